// A named pipe that is read only when the test reads it.

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const PART = Buffer.alloc(4_096, "x");

export class Fifo {
  readonly #path = join(tempDir(), "fifo");
  readonly #reader: number;
  /**
   * A descriptor for children to write to. It is not our own writing end, because libuv makes inherited
   * descriptors blocking.
   */
  readonly fd: number;

  constructor() {
    execFileSync("mkfifo", [this.#path]);
    this.#reader = openSync(this.#path, O_RDONLY | O_NONBLOCK);
    this.fd = openSync(this.#path, O_WRONLY);
  }

  /** Writes until the pipe takes no further byte. */
  fill(): this {
    const writer = openSync(this.#path, O_WRONLY | O_NONBLOCK);
    for (const part of [PART, PART.subarray(0, 1)]) while (transfer(() => writeSync(writer, part)) > 0);
    closeSync(writer);
    return this;
  }

  /** Reads everything that is in the pipe. */
  read(): string {
    const parts: Buffer[] = [];
    for (;;) {
      const part = Buffer.alloc(65_536);
      const bytes = transfer(() => readSync(this.#reader, part));
      if (bytes === 0) return Buffer.concat(parts).toString();
      parts.push(part.subarray(0, bytes));
    }
  }

  /** Closes the reading end for good. */
  leave(): this {
    closeSync(this.#reader);
    return this;
  }

  close(): void {
    for (const fd of [this.fd, this.#reader]) closeSync(fd);
  }
}

/** Returns the number of bytes moved, 0 if the call would have to wait. */
function transfer(move: () => number): number {
  try {
    return move();
  } catch {
    return 0; // full or empty
  }
}
