// Lines on their way to standard output or standard error, which may be a full disk, a pipe that nothing reads, or a
// terminal that has hung up. A write never throws and never waits for a reader: the kernel's buffer is the queue, a
// line that does not fit there is dropped and counted, and of a line that was taken in part the rest is kept.

import { constants, fstatSync, openSync, writeSync } from "node:fs";

const NOTHING: Buffer = Buffer.alloc(0);
const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
/** How often a full descriptor is tried again by a caller that may wait. */
const TRY_AGAIN_MS = 10;
const clock = new Int32Array(new SharedArrayBuffer(4));

export class LineSink {
  readonly #fd: 1 | 2;
  #target: number | undefined;
  /** The end of a line that was begun, at most one line; nothing else is written before it. */
  #rest: Buffer = NOTHING;
  /** The last line that could wait did so in vain: until one is taken, no other waits. */
  #isStuck = false;
  /** Lines that could not be written. */
  dropped = 0;

  constructor(fd: 1 | 2) {
    this.#fd = fd;
  }

  /** Writes a line, its end included, or drops it. Never blocks, never throws. */
  write(line: string): void {
    if (!this.#take(Buffer.from(line))) this.dropped += 1;
  }

  /** Does the same, but blocks the process for up to `patienceMs` where a reader is only slow: for last words. */
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

  /** Whether a line was written, or begun: then its rest is kept. */
  #take(line: Buffer): boolean {
    this.#rest = this.#put(this.#rest);
    if (this.#rest.length > 0) return false;
    const left = this.#put(line);
    if (left.length === line.length) return line.length === 0;
    this.#rest = left;
    return true;
  }

  /** Writes as much as is taken at once; returns what is left. */
  #put(bytes: Buffer): Buffer {
    let left = bytes;
    try {
      while (left.length > 0) {
        this.#target ??= openWithoutWaiting(this.#fd);
        left = left.subarray(writeSync(this.#target, left));
      }
    } catch {
      // full, gone or broken: what is left is dropped or kept by the caller, which counts
    }
    return left;
  }
}

/**
 * A descriptor for the same file that does not make its writer wait. Pipes and terminals are opened a second time, since
 * they are shared with other programs, which would stumble over a change of theirs (Ansible refuses to start). A socket
 * cannot be opened again: there Node's own stream makes the shared one non-blocking, and it stays so while no child
 * inherits it (libuv makes inherited ones block again). A regular file has no reader to wait for.
 */
function openWithoutWaiting(fd: 1 | 2): number {
  const kind = fstatSync(fd);
  if (kind.isFile()) return fd;
  if (!kind.isSocket()) {
    try {
      return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
    } catch {
      // another user's pipe, or no /proc here: the shared descriptor has to do
    }
  }
  if (kind.isSocket() || kind.isFIFO()) (fd === 1 ? process.stdout : process.stderr).on("error", () => {}); // counted by us
  return fd;
}
