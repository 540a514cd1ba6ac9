// The command line that runs this very program once more, in a process of its own.

import { fileURLToPath } from "node:url";

export type CommandLine = readonly [command: string, ...args: string[]];

/** `encke ARGS` with this Node and this release. */
export function ownCommand(...args: string[]): CommandLine {
  const main = fileURLToPath(new URL("./main" + import.meta.url.slice(-3), import.meta.url));
  return [process.execPath, ...process.execArgv, main, ...args];
}

/** The embedded broker in a process of its own. */
export const embeddedCommand: CommandLine = ownCommand("broker", "--embedded");
