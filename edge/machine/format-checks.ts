// Checks of a machine as people read them: a table with what to type below it, or one sentence.

import type { Check } from "./checks.ts";

const MARKS: Readonly<Record<Check["verdict"], string>> = { ok: "ok", hint: "hint", bad: "BAD" };

/** A table, and what to type below it. */
export function formatChecks(checks: readonly Check[]): string {
  const rows = checks.map(({ name, verdict, is, needed, why }) => [MARKS[verdict], name, is, needed, why]);
  const remedies = checks
    .filter(({ remedy }) => remedy !== "")
    .map(({ name, remedy }) => [`  ${remedy}`, `(${name})`]);
  const table = formatTable([["", "what", "is", "needed", "why"], ...rows]);
  return remedies.length === 0 ? table : `${table}\n\nTo type:\n${formatTable(remedies)}`;
}

/** What forbids so many connections, with its remedies; undefined where nothing does. */
export function describeBad(checks: readonly Check[], connections: number): string | undefined {
  const bad = checks
    .filter(({ verdict }) => verdict === "bad")
    .map(({ name, remedy }) => `${name} (${remedy.split("   #")[0]})`);
  if (bad.length === 0) return undefined;
  return `this machine does not hold ${connections.toLocaleString("en")} connections: ${bad.join(", ")}`;
}

/** Columns as wide as their widest cell, two blanks between. */
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
