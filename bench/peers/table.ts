// Formats the results as a Markdown table: one row per contender, with the median of its rounds and their
// range.

import type { Figures } from "./measure.ts";

export function markdownTable(results: ReadonlyMap<string, readonly Figures[]>): string {
  const rows = [...results].filter(([, rounds]) => rounds.length > 0);
  const columns = Object.keys(rows[0]?.[1][0] ?? {}) as (keyof Figures)[];
  const lines = [
    ["", ...columns],
    columns.map(() => "---").concat("---"),
    ...rows.map(([name, rounds]) => [
      name,
      ...columns.map((column) => cellOf(rounds.map((round) => round[column]))),
    ]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Formats the values of several rounds: the median, and in brackets the lowest and the highest. */
function cellOf(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[0] ?? 0, sorted.at(-1) ?? 0];
  const middle = sorted.length % 2 === 1 ? (sorted[(sorted.length - 1) / 2] ?? 0) : meanOfMiddle(sorted);
  const text = (value: number): string => value.toLocaleString("en", { maximumSignificantDigits: 3 });
  return sorted.length === 1 ? text(middle) : `${text(middle)} (${text(low)}–${text(high)})`;
}

function meanOfMiddle(sorted: readonly number[]): number {
  return ((sorted[sorted.length / 2 - 1] ?? 0) + (sorted[sorted.length / 2] ?? 0)) / 2;
}
