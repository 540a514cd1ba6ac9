// Counts the bytes that wait for slow readers: per reader, in total, and since when a reader has taken
// nothing. Owned by one pool, which decides what to do about them. Contains only streams for which bytes
// wait.

interface Backlog {
  bytes: number;
  /** When the reader last took some of the waiting bytes. */
  sinceMs: number;
}

export class Backlogs<Stream> {
  readonly #waiting = new Map<Stream, Backlog>();
  #bytes = 0;

  /** Total of the bytes that wait for all readers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Notes that `pending` bytes wait for a reader after `written` more were written. */
  note(stream: Stream, pending: number, written: number, nowMs: number): void {
    const backlog = this.#waiting.get(stream);
    if (pending === 0) {
      if (backlog !== undefined) this.forget(stream);
      return;
    }
    if (backlog === undefined) {
      this.#waiting.set(stream, { bytes: pending, sinceMs: nowMs });
      this.#bytes += pending;
      return;
    }
    if (pending < backlog.bytes + written) backlog.sinceMs = nowMs;
    this.#bytes += pending - backlog.bytes;
    backlog.bytes = pending;
  }

  forget(stream: Stream): void {
    this.#bytes -= this.#waiting.get(stream)?.bytes ?? 0;
    this.#waiting.delete(stream);
  }

  /** Returns the stream with the most waiting bytes. */
  longest(): Stream | undefined {
    let longest: [Stream, Backlog] | undefined;
    for (const entry of this.#waiting)
      if (longest === undefined || entry[1].bytes > longest[1].bytes) longest = entry;
    return longest?.[0];
  }

  /** The streams with waiting bytes. They may be forgotten during the iteration. */
  streams(): IterableIterator<Stream> {
    return this.#waiting.keys();
  }

  /** Returns how long the reader has taken none of its waiting bytes; 0 if none wait. */
  stalledMs(stream: Stream, nowMs: number): number {
    return nowMs - (this.#waiting.get(stream)?.sinceMs ?? nowMs);
  }
}
