// A sorted run: a file of rows that did not fit in memory. A row is its id, the number of its neighbours and
// their length in bytes (three u32, little-endian), followed by the neighbours' differences as varints. Read
// and written through a buffer of 128 KiB, or of the longest row. The files are temporary, so the format may
// change at any time.

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { VARINT_BYTES, VarintReader, writeIds } from "../store/varint.ts";
import type { Row } from "./rows.ts";

const BUFFER_BYTES = 131_072;
const HEAD_BYTES = 12;

/** Writes rows, ascending by id. Returns the number of their entries. */
export function writeRun(path: string, rows: Iterable<Row>): number {
  const file = openSync(path, "w");
  let buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let length = 0;
  let entries = 0;
  const flush = (): void => {
    for (let at = 0; at < length; ) at += writeSync(file, buffer, at, length - at);
    length = 0;
  };
  try {
    for (const { id, ids } of rows) {
      const size = HEAD_BYTES + VARINT_BYTES * ids.length;
      if (length + size > buffer.length) flush();
      if (size > buffer.length) buffer = Buffer.allocUnsafe(size);
      const body = length + HEAD_BYTES;
      const end = writeIds(buffer, body, ids);
      buffer.writeUInt32LE(id, length);
      buffer.writeUInt32LE(ids.length, length + 4);
      buffer.writeUInt32LE(end - body, length + 8);
      length = end;
      entries += ids.length;
    }
    flush();
  } finally {
    closeSync(file);
  }
  return entries;
}

/** Reads a run row by row. */
export class RunReader {
  readonly #file: number;
  #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #at = 0;
  #end = 0;
  /** The current row; undefined before the first and after the last. */
  row: Row | undefined;

  constructor(path: string) {
    this.#file = openSync(path, "r");
  }

  next(): void {
    this.row = undefined;
    if (!this.#fill(HEAD_BYTES)) return;
    const id = this.#buffer.readUInt32LE(this.#at);
    const count = this.#buffer.readUInt32LE(this.#at + 4);
    const bytes = this.#buffer.readUInt32LE(this.#at + 8);
    this.#at += HEAD_BYTES;
    this.#fill(bytes);
    const body = this.#buffer.subarray(this.#at, Math.min(this.#end, this.#at + bytes));
    this.row = { id, ids: new VarintReader(body, 0).ids(count) };
    this.#at += bytes;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Reads until the buffer holds so many bytes. Returns false at the end of the file. */
  #fill(wanted: number): boolean {
    if (this.#end - this.#at >= wanted) return true;
    const larger = wanted > this.#buffer.length ? Buffer.allocUnsafe(wanted) : this.#buffer;
    this.#buffer.copy(larger, 0, this.#at, this.#end);
    this.#end -= this.#at;
    this.#at = 0;
    this.#buffer = larger;
    while (this.#end < this.#buffer.length) {
      const read = readSync(this.#file, this.#buffer, this.#end, this.#buffer.length - this.#end, null);
      if (read === 0) break;
      this.#end += read;
    }
    return this.#end >= wanted;
  }
}
