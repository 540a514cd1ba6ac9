// The file of a backup: every key of the store and its value, in the keys' order, with a checksum behind them. One
// file, read and written from front to end.
//
//   "encke-graph-backup 1\n", { length of key + 1, length of value, key, value }…, 0, SHA-256 of all before it
//
// Lengths are varints. A file without its 0 and its checksum is not a backup.

import { VARINT_BYTES, VarintReader, writeVarint } from "../store/varint.ts";

export const HEAD: Uint8Array = new TextEncoder().encode("encke-graph-backup 1\n");
export const CHECKSUM_BYTES = 32;
/** No key is longer: the name of a topic has 259 characters at most. */
const MAX_KEY_BYTES = 512;
/** No value is longer: the longest is an index of the chunks of 2^32 followers. */
const MAX_VALUE_BYTES = 16_777_216;
/** A part of the file on its way to the disk. */
const PART_BYTES = 262_144;

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Puts entries into parts of some 256 KiB. */
export class EntryWriter {
  #bytes = new Uint8Array(PART_BYTES * 2);
  #length: number;

  constructor() {
    this.#bytes.set(HEAD);
    this.#length = HEAD.length;
  }

  /** Time to `take`. */
  get full(): boolean {
    return this.#length >= PART_BYTES;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const max = this.#length + 2 * VARINT_BYTES + key.length + value.length;
    if (max > this.#bytes.length) {
      const larger = new Uint8Array(max * 2);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    let at = writeVarint(this.#bytes, this.#length, key.length + 1);
    at = writeVarint(this.#bytes, at, value.length);
    this.#bytes.set(key, at);
    this.#bytes.set(value, at + key.length);
    this.#length = at + key.length + value.length;
  }

  /** What was added. Valid until the next `add`. */
  take(): Uint8Array {
    const part = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return part;
  }
}

/** The end of the entries; the checksum of everything up to here follows. */
export const END: Uint8Array = Uint8Array.of(0);

/** Entries out of the file's parts, however they are cut. @throws RangeError for what is not of the format */
export async function* readEntries(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Entry[], void, void> {
  let rest: Uint8Array = new Uint8Array(0);
  let isHead = true;
  let isEnd = false;
  for await (const part of parts) {
    if (isEnd) throw new RangeError("there is more behind its end");
    const bytes = Buffer.concat([rest, part]);
    let at = 0;
    if (isHead) {
      if (bytes.length < HEAD.length) {
        rest = bytes;
        continue;
      }
      if (HEAD.some((byte, index) => bytes[index] !== byte)) throw new RangeError("it begins otherwise");
      isHead = false;
      at = HEAD.length;
    }
    const entries: Entry[] = [];
    for (let next = entryAt(bytes, at); next !== undefined; next = entryAt(bytes, at)) {
      if (next === "end") {
        isEnd = true;
        at += 1;
        if (at < bytes.length) throw new RangeError("there is more behind its end");
        break;
      }
      entries.push(next.entry);
      at = next.end;
    }
    rest = bytes.subarray(at);
    yield entries;
  }
  if (!isEnd) throw new RangeError("it ends early");
}

function entryAt(
  bytes: Uint8Array,
  at: number,
): { readonly entry: Entry; readonly end: number } | "end" | undefined {
  const reader = new VarintReader(bytes, at);
  const keyLength = readLength(reader, bytes, MAX_KEY_BYTES + 1);
  if (keyLength === undefined) return undefined;
  if (keyLength === 0) return "end";
  const valueLength = readLength(reader, bytes, MAX_VALUE_BYTES);
  if (valueLength === undefined) return undefined;
  const key = reader.at;
  const value = key + keyLength - 1;
  const end = value + valueLength;
  if (end > bytes.length) return undefined;
  return { entry: { key: bytes.subarray(key, value), value: bytes.subarray(value, end) }, end };
}

/** Undefined where the bytes end within it. */
function readLength(reader: VarintReader, bytes: Uint8Array, max: number): number | undefined {
  const { at } = reader;
  const length = reader.tryNext();
  if (length === undefined && bytes.length - at < VARINT_BYTES) return undefined;
  if (length !== undefined && length <= max) return length;
  throw new RangeError(`a length at byte ${at} of a part is beyond what it may be`);
}
