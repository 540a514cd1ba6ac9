// The corked streams of a pool in TypeScript: each one's head that was not sent yet, the last cursor that was
// written, and the events that wait for the seam. Owned by one pool; pool.ts explains why streams are corked,
// and the native pool's counterpart is edge/pool/native/src/corks.h. Events are shared between streams.
// Bounded by its limits; nothing remains of a stream that was uncorked or has ended.

import type { PositionedEvent } from "../formats/positioned-event.ts";
import type { Buffered, CORK_LIMITS, Cork } from "./pool.ts";

export type CorkLimits = { readonly [name in keyof typeof CORK_LIMITS]: number };

const NO_BYTES = new Uint8Array(0);

/** What the pool needs of one corked stream. */
export interface Corked<Stream> {
  readonly stream: Stream;
  readonly number: number;
  /** The response's head until it is sent, then empty. */
  head: Uint8Array;
  /** The presented cursor, or the last one that was written. */
  cursor: string;
  events: PositionedEvent[];
  bytes: number;
  overflowed: boolean;
}

export class Corks<Stream extends object> {
  readonly #limits: CorkLimits;
  readonly #byNumber = new Map<number, Corked<Stream>>();
  readonly #byStream = new Map<Stream, Corked<Stream>>();
  /** How many streams have an event in their buffer. */
  readonly #references = new Map<PositionedEvent, number>();
  /** Bytes of all buffered events. */
  bytes = 0;
  /** Buffers that were discarded because they were full. */
  overflows = 0;

  constructor(limits: CorkLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#byStream.size;
  }

  add(stream: Stream, { number }: Cork, head: Uint8Array, cursor: string): void {
    const corked = { stream, number, head, cursor, events: [], bytes: 0, overflowed: false };
    this.#byNumber.set(number, corked);
    this.#byStream.set(stream, corked);
  }

  numbered(number: number): Corked<Stream> | undefined {
    return this.#byNumber.get(number);
  }

  of(stream: Stream): Corked<Stream> | undefined {
    return this.#byStream.get(stream);
  }

  /** Has no effect for a stream that is not corked. */
  remove(stream: Stream): void {
    const corked = this.#byStream.get(stream);
    if (corked === undefined) return;
    this.#clear(corked);
    this.#byNumber.delete(corked.number);
    this.#byStream.delete(corked.stream);
  }

  /** Returns the head if it was not sent yet; the caller sends it. */
  takeHead(corked: Corked<Stream>): Uint8Array {
    const { head } = corked;
    corked.head = NO_BYTES;
    return head;
  }

  /** Buffers an event for a corked stream. Returns false if it was discarded because the buffer is full. */
  buffer(stream: Stream, event: PositionedEvent): boolean {
    const corked = this.#byStream.get(stream);
    if (corked === undefined || corked.overflowed) return false;
    const more = bytesOf(event);
    const isShared = this.#references.has(event);
    const { events, bytes, totalBytes } = this.#limits;
    if (
      corked.events.length >= events ||
      corked.bytes + more > bytes ||
      (!isShared && this.bytes + more > totalBytes)
    ) {
      this.#clear(corked);
      corked.overflowed = true;
      this.overflows += 1;
      return false;
    }
    this.#references.set(event, (this.#references.get(event) ?? 0) + 1);
    if (!isShared) this.bytes += more;
    corked.events.push(event);
    corked.bytes += more;
    return true;
  }

  /** Takes what was buffered, and lets the buffer begin again. */
  take(corked: Corked<Stream>): Buffered {
    const { events, overflowed } = corked;
    this.#clear(corked);
    corked.overflowed = false;
    return { events, overflowed };
  }

  #clear(corked: Corked<Stream>): void {
    for (const event of corked.events) {
      const references = this.#references.get(event) ?? 0;
      if (references > 1) {
        this.#references.set(event, references - 1);
        continue;
      }
      this.#references.delete(event);
      this.bytes -= bytesOf(event);
    }
    corked.events = [];
    corked.bytes = 0;
  }
}

function bytesOf({ id, json, cursor }: PositionedEvent): number {
  return id.length + json.length + cursor.length;
}
