// One direction of a connection through a relay: bytes leave in the order in which they came, each after the
// delay of its time, and the source is not read while too many wait. Owned by the relay; bounded by the bytes
// that wait.

import type { Socket } from "node:net";

/** Bytes that may wait before the source is not read any more. */
const MAX_WAITING_BYTES = 262_144;

export class LinkLane {
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #waiting: { readonly bytes: Buffer; readonly dueMs: number }[] = [];
  #waitingBytes = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isHeld = false;

  constructor(source: Socket, target: Socket) {
    this.#source = source;
    this.#target = target;
    target.on("drain", () => this.#readOn());
    target.on("close", () => clearTimeout(this.#timer));
  }

  write(bytes: Buffer, delayMs: number): void {
    const nowMs = performance.now();
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + delayMs);
    if (this.#waiting.length === 0 && this.#lastDueMs <= nowMs && !this.#isHeld) this.#target.write(bytes);
    else {
      this.#waiting.push({ bytes, dueMs: this.#lastDueMs });
      this.#waitingBytes += bytes.length;
      this.#timer ??= setTimeout(() => this.#flush(), this.#lastDueMs - nowMs);
    }
    if (this.#isFull) this.#source.pause();
  }

  /** Stops or continues passing and reading bytes; the connection stays open. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#source.pause();
    else this.#flush();
  }

  get #isFull(): boolean {
    return this.#isHeld || this.#waitingBytes + this.#target.writableLength > MAX_WAITING_BYTES;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isHeld || this.#target.destroyed) return;
    const nowMs = performance.now();
    for (let [first] = this.#waiting; first !== undefined && first.dueMs <= nowMs; [first] = this.#waiting) {
      this.#waiting.shift();
      this.#waitingBytes -= first.bytes.length;
      this.#target.write(first.bytes);
    }
    const [next] = this.#waiting;
    if (next !== undefined) this.#timer = setTimeout(() => this.#flush(), next.dueMs - nowMs);
    this.#readOn();
  }

  #readOn(): void {
    if (!this.#isFull) this.#source.resume();
  }
}
