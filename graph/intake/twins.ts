// Events of which only the core copy has arrived. Each event reaches this service twice: from its producer by
// core NATS, and from the stream that stored it. A core copy waits here for its twin from the stream. Copies
// of identical content are interchangeable, so they are found by content, the oldest first. Owned by the
// stream intake; bounded by bytes, beyond which the oldest copies are dropped.

import { hash } from "node:crypto";
import type { Incoming } from "./incoming.ts";

/** A stream whose leader is lost stores nothing for seconds; everything published meanwhile waits. */
const MAX_BYTES = 134_217_728;
/** Memory of a copy besides its payload. */
const COPY_BYTES = 400;
/** Longer payloads are compared by their hash. */
const MAX_COMPARED_BYTES = 512;

/** A core copy. */
export interface CoreCopy {
  readonly partition: number;
  /** As the stream captures it. */
  readonly subject: string;
  readonly incoming: Incoming;
  /** The subject for the reply to a sender who asked for one. */
  readonly reply: string | undefined;
  readonly key: string;
  /** When it arrived, by the monotonic clock. */
  readonly arrivedMs: number;
  /** When it arrived or was published again. */
  atMs: number;
  /** How often it was published again. */
  repairs: number;
  /** The token of the newest repair. */
  token: string | undefined;
}

/** Returns what twins have in common: the producer's message id, or else subject and payload. */
export function keyOf(partition: number, { kind, name, messageId, payload }: Incoming): string {
  if (messageId !== "") return `${partition} ${messageId}`;
  const { buffer, byteOffset, length } = payload;
  const content =
    length > MAX_COMPARED_BYTES
      ? hash("sha256", payload, "base64")
      : Buffer.from(buffer, byteOffset, length).toString("latin1");
  return `${kind} ${name} ${content}`;
}

export class Twins {
  /** All copies, oldest first. */
  readonly #copies = new Set<CoreCopy>();
  readonly #byKey = new Map<string, CoreCopy[]>();
  readonly #onDropped: (copy: CoreCopy) => void;
  #bytes = 0;
  /** The number of copies dropped because too many waited. Their events may be stored all the same. */
  dropped = 0;

  /** @param onDropped called for each copy that is dropped */
  constructor(onDropped: (copy: CoreCopy) => void) {
    this.#onDropped = onDropped;
  }

  get size(): number {
    return this.#copies.size;
  }

  add(copy: CoreCopy): void {
    this.#copies.add(copy);
    const same = this.#byKey.get(copy.key);
    if (same === undefined) this.#byKey.set(copy.key, [copy]);
    else same.push(copy);
    this.#bytes += bytesOf(copy);
    for (const oldest of this.#copies) {
      if (this.#bytes <= MAX_BYTES) return;
      this.remove(oldest);
      this.dropped += 1;
      this.#onDropped(oldest);
    }
  }

  /** Removes and returns the oldest copy with this key; undefined if there is none. */
  take(key: string): CoreCopy | undefined {
    const copy = this.#byKey.get(key)?.[0];
    if (copy !== undefined) this.remove(copy);
    return copy;
  }

  /** Removes a copy. Does nothing if it is gone already. */
  remove(copy: CoreCopy): void {
    if (!this.#copies.delete(copy)) return;
    this.#bytes -= bytesOf(copy);
    const same = this.#byKey.get(copy.key) as CoreCopy[];
    if (same.length === 1) this.#byKey.delete(copy.key);
    else same.splice(same.indexOf(copy), 1);
  }

  /**
   * Returns a partition's copies that have waited since before a time, oldest first. Linear in the copies.
   */
  waitingSince(partition: number, ms: number): CoreCopy[] {
    return [...this.#copies].filter((copy) => copy.partition === partition && copy.atMs < ms);
  }

  /** Returns the partitions of the copies that have waited since before a time. Linear in those copies. */
  partitionsWaitingSince(ms: number): Set<number> {
    const found = new Set<number>();
    for (const { partition, atMs } of this.#copies) {
      if (atMs >= ms) break; // the rest is newer
      found.add(partition);
    }
    return found;
  }

  has(copy: CoreCopy): boolean {
    return this.#copies.has(copy);
  }

  /** Notes that a copy was published again: it waits from now on. */
  renew(copy: CoreCopy, nowMs: number): void {
    copy.atMs = nowMs;
    copy.repairs += 1;
    this.#copies.delete(copy);
    this.#copies.add(copy);
  }
}

function bytesOf({ incoming }: CoreCopy): number {
  return COPY_BYTES + incoming.payload.length;
}
