// Sends what Node itself writes to standard error, its warnings and the stacks of uncaught errors, through
// the log. Node would block until the output is read, and a process that should have ended would stay.

import { standardError } from "./output.ts";

/** How long a final message may wait for a slow reader. */
export const LAST_WORDS_MS = 1_000;

/**
 * Installs the handlers. Call it once, first of all.
 * @param exit ends the process as `process.exit` does; a parameter, because only programs may end the process
 */
export function guardStandardError(exit: (code: number) => never): void {
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => standardError.write(`encke: ${name}: ${message}\n`));
  process.on("uncaughtException", (error: unknown) => {
    standardError.writePatiently(`encke: ${stackOf(error)}\n`, LAST_WORDS_MS);
    exit(1);
  });
}

/** Returns the stack of an error, for reporting a bug. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
