// Writes the fields of a record whose length is not known beforehand, and reads them. Owned by one encoder or
// decoder.

import { GraphError } from "../errors.ts";
import { VARINT_BYTES, VarintReader, writeVarint } from "../store/varint.ts";

const FIRST_BYTES = 1_024;
const FLOAT_BYTES = 8;

export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  varint(value: number): void {
    this.#reserve(VARINT_BYTES);
    this.#length = writeVarint(this.#bytes, this.#length, value);
  }

  float(value: number): void {
    this.#reserve(FLOAT_BYTES);
    this.#length = this.#bytes.writeDoubleBE(value, this.#length);
  }

  /** Writes the length in bytes and UTF-8. */
  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#reserve(length);
    this.#length += this.#bytes.write(value, this.#length);
  }

  /** Returns a copy of what was written. */
  taken(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Reads fields in order. Every method throws GraphError GRAPH_DAMAGED if the bytes end early. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #numbers: VarintReader;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#numbers = new VarintReader(bytes, at);
  }

  get left(): number {
    return this.#bytes.length - this.#numbers.at;
  }

  varint(): number {
    return this.#numbers.next();
  }

  /** Reads a number of items, each of which takes at least one byte. */
  count(): number {
    const count = this.varint();
    if (count > this.left) throw new GraphError("GRAPH_DAMAGED", "a count is too large");
    return count;
  }

  float(): number {
    const at = this.#skip(FLOAT_BYTES);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getFloat64(at);
  }

  text(): string {
    const length = this.varint();
    const at = this.#skip(length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString("utf8");
  }

  /** Moves over so many bytes, and returns where they begin. */
  #skip(length: number): number {
    const { at } = this.#numbers;
    if (length > this.left) throw new GraphError("GRAPH_DAMAGED", "a field ends early");
    this.#numbers = new VarintReader(this.#bytes, at + length);
    return at;
  }
}
