// The command line that runs the embedded broker in a process of its own: this very program.

import { fileURLToPath } from "node:url";

export const embeddedCommand: readonly [string, ...string[]] = [
  process.execPath,
  ...process.execArgv,
  fileURLToPath(new URL("./main" + import.meta.url.slice(-3), import.meta.url)),
  "broker",
  "--embedded",
];
