// What Node itself writes to standard error, its warnings and the stack of a bug that nothing caught, by the way of the
// log: Node would wait for a reader that does not read, and a process that should have ended would stay.

import { standardError } from "./output.ts";

/** How long last words may wait for a slow reader. */
export const LAST_WORDS_MS = 1_000;

/**
 * Called once, before anything else can go wrong.
 * @param exit ends the process, as `process.exit`; given, because only programs may
 */
export function guardStandardError(exit: (code: number) => never): void {
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => standardError.write(`encke: ${name}: ${message}\n`));
  process.on("uncaughtException", (error: unknown) => {
    standardError.writePatiently(`encke: ${stackOf(error)}\n`, LAST_WORDS_MS);
    exit(1);
  });
}

/** What a bug is reported with. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
