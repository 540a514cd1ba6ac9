// One line of a memory log: its fields, and how it is written and read. The format is tab-separated with a
// header line, for people, spreadsheets and gnuplot, or JSON lines for programs. A reader distinguishes them
// by the first character.

import { CommandError } from "../../lib/command-error.ts";
import { quote } from "../../lib/errors.ts";

export interface MemorySample {
  /** Time of the sample, as `steadyTimeMs` counts. */
  readonly timeMs: number;
  /** Undefined if no edge could be queried. */
  readonly connections: number | undefined;
  /** All processes of the log together. */
  readonly pssKb: number;
  /** The part that is not backed by files, which is where leaks appear. */
  readonly anonKb: number;
  readonly rssKb: number;
  readonly kernelKb: number | undefined;
  /** Number of processes in the sample. */
  readonly processes: number;
}

export const SAMPLE_FORMATS = ["tsv", "json"] as const;
export type SampleFormat = (typeof SAMPLE_FORMATS)[number];

const NUMBERS = {
  connections: "connections",
  pss_kb: "pssKb",
  anon_kb: "anonKb",
  rss_kb: "rssKb",
  kernel_kb: "kernelKb",
  processes: "processes",
} as const;
const COLUMNS = ["time", ...Object.keys(NUMBERS)];

/** Returns the first line of a new log, if the format has one. */
export function headerOf(format: SampleFormat): string | undefined {
  return format === "tsv" ? COLUMNS.join("\t") : undefined;
}

/** Formats a line without its newline. An undefined field is empty, or absent in JSON. */
export function formatSample(sample: MemorySample, format: SampleFormat): string {
  const cells = Object.entries(NUMBERS).map(([name, key]) => [name, sample[key]] as const);
  const time = new Date(sample.timeMs).toISOString();
  if (format === "json") return JSON.stringify({ time, ...Object.fromEntries(cells) });
  return [time, ...cells.map(([, value]) => value ?? "")].join("\t");
}

/**
 * Parses a log. Lines that are not samples (a second header after a restart, a line truncated by a crash) are
 * skipped.
 * @param name the file's name, for the message
 * @throws CommandError USAGE if there is no sample at all
 */
export function parseLog(text: string, name: string): MemorySample[] {
  const samples = text.split("\n").flatMap((line) => parseSample(line) ?? []);
  if (samples.length > 0) return samples;
  throw new CommandError(
    "USAGE",
    `${quote(name)} contains no line of a memory log: create one with \`encke memlog\``,
  );
}

function parseSample(line: string): MemorySample | undefined {
  const cells = line.startsWith("{") ? parseJson(line) : cellsOf(line);
  const number = (key: string): number | undefined => {
    const cell = cells[key];
    return cell === undefined || cell === "" || Number.isNaN(Number(cell)) ? undefined : Number(cell);
  };
  const timeMs = Date.parse(String(cells.time));
  const known = { pssKb: number("pss_kb"), anonKb: number("anon_kb"), rssKb: number("rss_kb") };
  const processes = number("processes");
  if (Number.isNaN(timeMs) || processes === undefined || !areNumbers(known)) return undefined;
  return { timeMs, connections: number("connections"), ...known, kernelKb: number("kernel_kb"), processes };
}

function areNumbers<Key extends string>(
  cells: Record<Key, number | undefined>,
): cells is Record<Key, number> {
  return Object.values(cells).every((cell) => cell !== undefined);
}

function cellsOf(line: string): Record<string, unknown> {
  const cells = line.split("\t");
  return cells.length === COLUMNS.length
    ? Object.fromEntries(COLUMNS.map((name, index) => [name, cells[index]]))
    : {};
}

function parseJson(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {}; // truncated: the caller skips it
  }
}
