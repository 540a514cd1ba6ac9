// What waits for slow readers: how many bytes each, all together, and since when a reader has taken nothing. Owned by
// one pool, which decides what to do about it. Only streams for which something waits are in here.

interface Backlog {
  bytes: number;
  /** When the reader last took something of what waited. */
  sinceMs: number;
}

export class Backlogs<Stream> {
  readonly #waiting = new Map<Stream, Backlog>();
  #bytes = 0;

  /** Bytes that wait for all readers together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Notes that `pending` bytes wait for a reader, after `written` more were handed over. */
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

  /** The stream for which the most waits. */
  longest(): Stream | undefined {
    let longest: [Stream, Backlog] | undefined;
    for (const entry of this.#waiting)
      if (longest === undefined || entry[1].bytes > longest[1].bytes) longest = entry;
    return longest?.[0];
  }

  /** The streams for which something waits; forgetting them on the way is fine. */
  streams(): IterableIterator<Stream> {
    return this.#waiting.keys();
  }

  /** For how long the reader has taken nothing of what waits; 0 where nothing does. */
  stalledMs(stream: Stream, nowMs: number): number {
    return nowMs - (this.#waiting.get(stream)?.sinceMs ?? nowMs);
  }
}
