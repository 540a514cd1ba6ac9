// The command line that runs this very program once more, in a process of its own.

import { fileURLToPath } from "node:url";
import type { CommandLine, Environment } from "../lib/command.ts";

const MAIN: string = fileURLToPath(new URL("./main" + import.meta.url.slice(-3), import.meta.url));

/** `encke` with this Node and this release. */
export const ownCommand: CommandLine = [process.execPath, ...process.execArgv, MAIN];

/** The embedded broker in a process of its own. */
export function embeddedBrokerOf({ encke }: Pick<Environment, "encke">): CommandLine {
  return [...encke, "broker", "--embedded"];
}
