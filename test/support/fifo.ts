// A named pipe that nothing reads until the test does.

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const PART = Buffer.alloc(4_096, "x");

export class Fifo {
  readonly #path = join(tempDir(), "fifo");
  readonly #reader: number;
  /** For children to write to. Not our own end: what a child inherits, libuv makes blocking. */
  readonly fd: number;

  constructor() {
    execFileSync("mkfifo", [this.#path]);
    this.#reader = openSync(this.#path, O_RDONLY | O_NONBLOCK);
    this.fd = openSync(this.#path, O_WRONLY);
  }

  /** Writes until not one more byte fits. */
  fill(): this {
    const writer = openSync(this.#path, O_WRONLY | O_NONBLOCK);
    for (const part of [PART, PART.subarray(0, 1)]) while (transfer(() => writeSync(writer, part)) > 0);
    closeSync(writer);
    return this;
  }

  /** Reads all that is in it. */
  read(): string {
    const parts: Buffer[] = [];
    for (;;) {
      const part = Buffer.alloc(65_536);
      const bytes = transfer(() => readSync(this.#reader, part));
      if (bytes === 0) return Buffer.concat(parts).toString();
      parts.push(part.subarray(0, bytes));
    }
  }

  /** Closes the reading end: nothing will ever be read. */
  leave(): this {
    closeSync(this.#reader);
    return this;
  }

  close(): void {
    for (const fd of [this.fd, this.#reader]) closeSync(fd);
  }
}

/** Bytes that were moved; none where it would have to wait. */
function transfer(move: () => number): number {
  try {
    return move();
  } catch {
    return 0; // full, or empty
  }
}
