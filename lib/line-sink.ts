// Writes lines to standard output or standard error, which may be a full disk, a pipe that is not read, or a
// terminal that has hung up. A write never throws and never waits for a reader. The kernel's buffer is the
// only queue: a line that does not fit is dropped and counted, and if a line was written in part, the rest is
// stored.

import { constants, fstatSync, openSync, writeSync } from "node:fs";

const NOTHING: Buffer = Buffer.alloc(0);
const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
/** Interval at which a patient write tries a full descriptor again. */
const TRY_AGAIN_MS = 10;
const clock = new Int32Array(new SharedArrayBuffer(4));

export class LineSink {
  readonly #fd: 1 | 2;
  #target: number | undefined;
  /** The rest of a line that was written in part; at most one. It is written before anything else. */
  #rest: Buffer = NOTHING;
  /** True after a patient write that failed: until a write succeeds, no other one waits. */
  #isStuck = false;
  /** Lines that were dropped. */
  dropped = 0;

  constructor(fd: 1 | 2) {
    this.#fd = fd;
  }

  /** Writes a line, including its newline, or drops it. Never blocks and never throws. */
  write(line: string): void {
    if (!this.#take(Buffer.from(line))) this.dropped += 1;
  }

  /**
   * Writes a line as `write` does, but blocks the process for up to `patienceMs` if the reader is slow. Meant
   * for final messages.
   */
  writePatiently(line: string, patienceMs: number): void {
    const bytes = Buffer.from(line);
    const deadlineMs = performance.now() + (this.#isStuck ? 0 : patienceMs);
    let isTaken = this.#take(bytes);
    while (!isTaken && performance.now() < deadlineMs) {
      Atomics.wait(clock, 0, 0, TRY_AGAIN_MS);
      isTaken = this.#take(bytes);
    }
    this.#isStuck = !isTaken;
    if (!isTaken) this.dropped += 1;
  }

  /** Returns whether the line was written, or begun, in which case its rest is stored. */
  #take(line: Buffer): boolean {
    this.#rest = this.#put(this.#rest);
    if (this.#rest.length > 0) return false;
    const left = this.#put(line);
    if (left.length === line.length) return line.length === 0;
    this.#rest = left;
    return true;
  }

  /** Writes as much as the descriptor accepts now, and returns the rest. */
  #put(bytes: Buffer): Buffer {
    let left = bytes;
    try {
      while (left.length > 0) {
        this.#target ??= openWithoutWaiting(this.#fd);
        left = left.subarray(writeSync(this.#target, left));
      }
    } catch {
      // full, closed or broken: the caller stores or drops the rest, and counts it
    }
    return left;
  }
}

/**
 * Returns a descriptor for the same file that does not block its writer. Pipes and terminals are opened a
 * second time, because they are shared with other programs, which fail if their flags change (Ansible refuses
 * to start). A socket cannot be opened again: Node's own stream makes the shared descriptor non-blocking, and
 * it stays so as long as no child inherits it (libuv makes inherited ones blocking). A regular file has no
 * reader to wait for.
 */
function openWithoutWaiting(fd: 1 | 2): number {
  const kind = fstatSync(fd);
  if (kind.isFile()) return fd;
  if (!kind.isSocket()) {
    try {
      return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
    } catch {
      // another user's pipe, or no /proc: the shared descriptor is used
    }
  }
  // failed writes are counted here
  if (kind.isSocket() || kind.isFIFO()) (fd === 1 ? process.stdout : process.stderr).on("error", () => {});
  return fd;
}
