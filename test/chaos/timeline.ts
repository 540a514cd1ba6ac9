// The picture of a run, as text: how much was published and received over time, which resyncs came, and which
// part had which fault. Owned by the test; holds one number per bucket of time.

import { FAULT_LETTERS, type InjectedFault } from "./faults.ts";

const COLUMNS = 100;
const BUCKET_MS = 250;
const BARS = " ▁▂▃▄▅▆▇█";

export class Timeline {
  readonly #fromMs: number;
  readonly #rows = new Map<string, number[]>();

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  /** Adds to the row of this name, now. */
  count(row: string, atMs: number): void {
    const counts = this.#rows.get(row) ?? [];
    this.#rows.set(row, counts);
    const bucket = Math.max(0, Math.floor((atMs - this.#fromMs) / BUCKET_MS));
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }

  draw(faults: readonly InjectedFault[], untilMs: number): string {
    const columnMs = Math.max(BUCKET_MS, (untilMs - this.#fromMs) / COLUMNS);
    const columns = Math.ceil((untilMs - this.#fromMs) / columnMs);
    const lines = [...this.#rows].map(([row, counts]) => line(row, bars(sums(counts, columns, columnMs))));
    for (const part of [...new Set(faults.map((fault) => fault.part))].sort()) {
      const marks = Array.from({ length: columns }, () => "·");
      for (const fault of faults.filter((other) => other.part === part)) {
        const from = Math.floor((fault.fromMs - this.#fromMs) / columnMs);
        const to = Math.min(columns - 1, Math.floor((fault.toMs - this.#fromMs) / columnMs));
        for (let at = from; at <= to; at += 1) marks[at] = FAULT_LETTERS[fault.kind];
      }
      lines.push(line(part, marks.join("")));
    }
    const legend = Object.entries(FAULT_LETTERS).map(([kind, letter]) => `${letter} ${kind}`);
    return [...lines, `one column is ${Math.round(columnMs)} ms; ${legend.join(", ")}`].join("\n");
  }
}

function line(name: string, text: string): string {
  return `${name.padEnd(16)}${text}`;
}

function sums(counts: readonly number[], columns: number, columnMs: number): number[] {
  const result = Array.from({ length: columns }, () => 0);
  for (const [bucket, count = 0] of counts.entries()) {
    const column = Math.min(columns - 1, Math.floor((bucket * BUCKET_MS) / columnMs));
    result[column] = (result[column] ?? 0) + count;
  }
  return result;
}

function bars(values: readonly number[]): string {
  const max = Math.max(1, ...values);
  return values.map((value) => BARS[Math.ceil((value / max) * (BARS.length - 1))]).join("");
}
