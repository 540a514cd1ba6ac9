// Writes pairs of numbers as lines, digit by digit into a buffer. Creating and joining 15 million strings
// would cost several times as much. It waits for the stream, so it uses one buffer and no more memory.

import type { Writable } from "node:stream";

const BUFFER_BYTES = 262_144;
/** Bytes of two numbers of ten digits, a space and a newline. */
const LONGEST_LINE = 22;
const [ZERO, SPACE, LF] = [0x30, 0x20, 0x0a];

export class LineWriter {
  readonly #target: Writable;
  #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #length = 0;
  #failure: Error | undefined;

  constructor(target: Writable) {
    this.#target = target;
    target.on("error", (error) => {
      this.#failure = error;
    });
  }

  /** True when it is time to `flush`; a few more lines still fit. */
  get full(): boolean {
    return this.#length > BUFFER_BYTES / 2;
  }

  /** Writes the line `left right`. Call `flush` whenever it is `full`. */
  writePair(left: number, right: number): void {
    if (this.#length > this.#buffer.length - LONGEST_LINE) this.#grow();
    this.#writeNumber(left);
    this.#buffer[this.#length] = SPACE;
    this.#length += 1;
    this.#writeNumber(right);
    this.#buffer[this.#length] = LF;
    this.#length += 1;
  }

  /**
   * Writes the buffer to the stream and waits until the stream has accepted it. @throws the stream's error
   */
  async flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(Math.max(BUFFER_BYTES, this.#buffer.length));
    this.#length = 0;
    if (this.#failure !== undefined) throw this.#failure;
    await new Promise<void>((resolve, reject) => {
      this.#target.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Flushes, and closes the stream if it is a file. */
  async end(): Promise<void> {
    await this.flush();
    if (this.#target === process.stdout) return;
    await new Promise<void>((resolve) => this.#target.end(resolve));
  }

  #writeNumber(value: number): void {
    let digits = 1;
    for (let limit = 10; limit <= value; limit *= 10) digits += 1;
    let rest = value;
    for (let at = this.#length + digits - 1; at >= this.#length; at -= 1) {
      const tenth = Math.floor(rest / 10);
      this.#buffer[at] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
    this.#length += digits;
  }

  #grow(): void {
    const larger = Buffer.allocUnsafe(this.#buffer.length * 2);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
