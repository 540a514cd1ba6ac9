// encke doctor: what this machine lacks for N connections with both ends on it, and what to type. Exit 1 where
// something forbids them.

import { pick } from "../../lib/settings.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { type Check, checkMachine } from "../load/checks.ts";
import { readMachine } from "../load/machine.ts";
import { formatTable } from "../load/table.ts";
import { ownSettings } from "../settings.ts";

const MILLION = 1_000_000;
const MARKS: Readonly<Record<Check["verdict"], string>> = { ok: "ok", hint: "hint", bad: "BAD" };

export const doctor: Command = defineCommand({
  name: "doctor",
  summary: "what this machine lacks for N connections",
  settings: {
    connections: {
      ...ownSettings.connections,
      help: "connections to hold, both ends here",
      default: MILLION,
    },
    ...pick(ownSettings, "json"),
  },
  async run({ env, print }, { connections, json }) {
    const checks = checkMachine(readMachine(env), connections);
    print(json ? JSON.stringify({ connections, checks }) : formatChecks(checks));
    refuseWhatIsBad(checks, connections);
  },
});

/** A table, and what to type below it. */
export function formatChecks(checks: readonly Check[]): string {
  const rows = checks.map(({ name, verdict, is, needed, why }) => [MARKS[verdict], name, is, needed, why]);
  const remedies = checks
    .filter(({ remedy }) => remedy !== "")
    .map(({ name, remedy }) => [`  ${remedy}`, `(${name})`]);
  const table = formatTable([["", "what", "is", "needed", "why"], ...rows]);
  return remedies.length === 0 ? table : `${table}\n\nTo type:\n${formatTable(remedies)}`;
}

/** @throws CliError CHECK_FAILED where something forbids so many connections */
export function refuseWhatIsBad(checks: readonly Check[], connections: number): void {
  const bad = checks
    .filter(({ verdict }) => verdict === "bad")
    .map(({ name, remedy }) => `${name} (${remedy.split("   #")[0]})`);
  if (bad.length === 0) return;
  throw new CliError(
    "CHECK_FAILED",
    `this machine does not hold ${connections.toLocaleString("en")} connections: ${bad.join(", ")}`,
  );
}
