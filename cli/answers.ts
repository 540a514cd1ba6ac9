// Prints a command's result on standard output. Unlike a service's log, the result must arrive completely, so
// it waits for a slow reader. A reader that closes early (`encke … | head`) has what it needs, which is not a
// failure. Standard output is opened with the first line of a result, because a service that prints none must
// leave the descriptor as it is (lib/line-sink.ts).

import type { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../lib/command-error.ts";
import { codeOf, messageOf } from "../lib/errors.ts";
import { untilStopped } from "./signal.ts";

/** How long a reader that accepts nothing is waited for after Ctrl-C. */
const STOPPED_MS = 1_000;

export class Answers {
  readonly #onLost: (error: CommandError | undefined) => void;
  #stream: Writable | undefined;

  /**
   * @param onLost called when nothing more can be printed; without an error if the reader has closed its end
   */
  constructor(onLost: (error: CommandError | undefined) => void) {
    this.#onLost = onLost;
  }

  /** Standard output, for a result that is written as a stream. */
  get stream(): Writable {
    this.#stream ??= process.stdout.on("error", (cause) => this.#onLost(lost(cause)));
    return this.#stream;
  }

  readonly print = (line: string): void => void this.stream.write(`${line}\n`);

  /**
   * Resolves when the reader has received everything, or one second after the signal. @throws CommandError
   * OUTPUT_LOST
   */
  async flush(signal: AbortSignal): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return;
    const flushed = new Promise<void>((resolve, reject) => {
      stream.write("", (cause) => {
        const error = cause ? lost(cause) : undefined;
        if (error === undefined) resolve();
        else reject(error);
      });
    });
    await Promise.race([flushed, untilStopped(signal).then(() => delay(STOPPED_MS))]);
  }
}

function lost(cause: Error): CommandError | undefined {
  if (codeOf(cause) === "EPIPE") return undefined;
  return new CommandError(
    "OUTPUT_LOST",
    `standard output cannot be written (${messageOf(cause)}): the output is incomplete`,
    { cause },
  );
}
