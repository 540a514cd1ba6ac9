// Writes memory samples at a fixed interval to a file or to standard output until it is stopped. It holds one
// sample; the file grows by about 70 bytes per line.

import { appendFileSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../../lib/command-error.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { memoryOf } from "../processes.ts";
import { formatSample, headerOf, type MemorySample, type SampleFormat } from "./memory-sample.ts";
import { steadyTimeMs } from "./steady-time.ts";

/**
 * The subject of a log. It is queried for every line, because workers are replaced and streams come and go.
 */
export interface MemorySource {
  processes(): readonly number[];
  connections?(): Promise<number | undefined>;
  kernelKb?(): number;
}

/** Takes one sample. `processes` is 0 if all of them have ended. */
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

/** Opens the log, to which lines are appended. @throws CommandError USAGE if the file cannot be written */
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
 * Calls `look` at once and then every `intervalMs`. The schedule is fixed: a slow call does not delay later
 * ones, and a call that is still due when the next one is due is skipped. Resolves at `untilMs` (of
 * performance.now) or at the signal.
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
    await delay(waitMs, undefined, { signal }).catch(() => {}); // aborted: the loop's condition ends it
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
