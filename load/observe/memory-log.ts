// Writes memory samples at a fixed pace to a file or standard output until it is stopped. It holds one sample; the file
// grows by about 70 bytes a line.

import { appendFileSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../../lib/command-error.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { memoryOf } from "../processes.ts";
import { formatSample, headerOf, type MemorySample, type SampleFormat } from "./memory-sample.ts";
import { steadyTimeMs } from "./steady-time.ts";

/** What a log is about, asked anew for every line: workers are replaced, streams come and go. */
export interface MemorySource {
  processes(): readonly number[];
  connections?(): Promise<number | undefined>;
  kernelKb?(): number;
}

/** One look. `processes` is 0 where all of them have ended. */
export async function takeSample(source: MemorySource): Promise<MemorySample> {
  const connections = await source.connections?.();
  const memories = source.processes().flatMap((pid) => memoryOf(pid) ?? []);
  return {
    timeMs: steadyTimeMs(),
    connections,
    pssKb: sum(memories.map(({ pssKb }) => pssKb)),
    anonKb: sum(memories.map(({ anonKb }) => anonKb)),
    rssKb: sum(memories.map(({ rssKb }) => rssKb)),
    kernelKb: source.kernelKb?.(),
    processes: memories.length,
  };
}

/** Where lines go. @throws CommandError USAGE where the file cannot be written; it is appended to */
export function openLog(
  path: string | undefined,
  format: SampleFormat,
  print: (line: string) => void,
): (sample: MemorySample) => void {
  const write = path === undefined ? print : (line: string) => append(path, line);
  const header = headerOf(format);
  if (header !== undefined && (path === undefined || isNew(path))) write(header);
  return (sample) => write(formatSample(sample, format));
}

/**
 * Calls `look` at once and then every `intervalMs`, on the beat of the first: a slow look delays no later one, a beat
 * that it overran is left out. Resolves when `untilMs` (of performance.now) has come or the signal is given.
 */
export async function onEveryBeat(
  { intervalMs, untilMs, signal }: { intervalMs: number; untilMs: number; signal: AbortSignal },
  look: () => Promise<void>,
): Promise<void> {
  const startedAtMs = performance.now();
  while (!signal.aborted) {
    await look();
    const beat = Math.floor((performance.now() - startedAtMs) / intervalMs) + 1;
    const nextMs = startedAtMs + beat * intervalMs;
    const waitMs = Math.max(0, Math.min(nextMs, untilMs) - performance.now());
    await delay(waitMs, undefined, { signal }).catch(() => {}); // aborted: the loop's condition sees it
    if (nextMs > untilMs) return;
  }
}

function append(path: string, line: string): void {
  try {
    appendFileSync(path, `${line}\n`);
  } catch (cause) {
    throw new CommandError(
      "USAGE",
      `--out ${quote(path)} cannot be written (${messageOf(cause)}): check the path`,
      {
        cause,
      },
    );
  }
}

function isNew(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
