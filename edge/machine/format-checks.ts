// Formats the checks of a machine for people: as a table followed by commands, or as one sentence.

import type { Check } from "./checks.ts";

const MARKS: Readonly<Record<Check["verdict"], string>> = { ok: "ok", hint: "hint", bad: "BAD" };

/** Formats a table and the commands below it. */
export function formatChecks(checks: readonly Check[]): string {
  const rows = checks.map(({ name, verdict, is, needed, why }) => [MARKS[verdict], name, is, needed, why]);
  const remedies = checks
    .filter(({ remedy }) => remedy !== "")
    .map(({ name, remedy }) => [`  ${remedy}`, `(${name})`]);
  const table = formatTable([["", "what", "is", "needed", "why"], ...rows]);
  return remedies.length === 0 ? table : `${table}\n\nTo type:\n${formatTable(remedies)}`;
}

/** Returns what makes this many connections impossible, with the remedies; undefined if nothing does. */
export function describeBad(checks: readonly Check[], connections: number): string | undefined {
  const bad = checks
    .filter(({ verdict }) => verdict === "bad")
    .map(({ name, remedy }) => `${name} (${remedy.split("   #")[0]})`);
  if (bad.length === 0) return undefined;
  return `this machine does not hold ${connections.toLocaleString("en")} connections: ${bad.join(", ")}`;
}

/** Pads columns to their widest cell, with two spaces in between. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
