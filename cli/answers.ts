// What a command prints for those who asked, on standard output: unlike a service's log it must arrive whole, so it
// waits for a slow reader. A reader that stops early (`encke … | head`) has what it wanted: that is no failure. Opened
// by the first answer, since a service that prints none has to leave the descriptor as it is (lib/line-sink.ts).

import type { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "../lib/command-error.ts";
import { codeOf, messageOf } from "../lib/errors.ts";
import { untilStopped } from "./signal.ts";

/** After Ctrl-C, a reader that takes nothing is waited for so long. */
const STOPPED_MS = 1_000;

export class Answers {
  readonly #onLost: (error: CommandError | undefined) => void;
  #stream: Writable | undefined;

  /** @param onLost called when nothing more can be printed; without an error where the reader has gone */
  constructor(onLost: (error: CommandError | undefined) => void) {
    this.#onLost = onLost;
  }

  /** Standard output itself, for what is too long for lines. */
  get stream(): Writable {
    this.#stream ??= process.stdout.on("error", (cause) => this.#onLost(lost(cause)));
    return this.#stream;
  }

  readonly print = (line: string): void => void this.stream.write(`${line}\n`);

  /** Resolves when the reader has everything, or a second after the signal. @throws CommandError OUTPUT_LOST */
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
    `standard output cannot be written (${messageOf(cause)}): what was printed is not whole`,
    { cause },
  );
}
