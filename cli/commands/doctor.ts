// encke doctor: lists what this machine lacks to hold N connections, both ends included, and the commands
// that change it. Exits 1 if something makes N connections impossible.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkMachine, describeBad, formatChecks, readMachine } from "../../edge/index.ts";
import { type Command, defineCommand, json } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { projectRoot } from "../../lib/project.ts";
import { connections } from "../settings.ts";

const FLOOD: string = join(projectRoot, "dist", "load");

export const doctor: Command = defineCommand({
  name: "doctor",
  summary: "list what this machine lacks to hold N connections",
  settings: { connections, json },
  run({ env, print }, { connections, json }) {
    const flood = !existsSync(FLOOD) || existsSync(join(FLOOD, "native", "load.node"));
    const checks = checkMachine(readMachine(env, { flood }), connections);
    print(json ? JSON.stringify({ connections, checks }) : formatChecks(checks));
    const bad = describeBad(checks, connections);
    if (bad !== undefined) throw new CommandError("CHECK_FAILED", bad);
  },
});
