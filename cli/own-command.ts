// The command line that runs this program again as another process.

import { fileURLToPath } from "node:url";
import type { CommandLine, Environment } from "../lib/command.ts";

const MAIN: string = fileURLToPath(new URL("./main" + import.meta.url.slice(-3), import.meta.url));

/** `encke` of this release, with this Node. */
export const ownCommand: CommandLine = [process.execPath, ...process.execArgv, MAIN];

/** Returns the command line that runs the embedded broker in a process of its own. */
export function embeddedBrokerOf({ encke }: Pick<Environment, "encke">): CommandLine {
  return [...encke, "broker", "--embedded"];
}
