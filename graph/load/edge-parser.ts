// Reads an edge list: two names a line, parted by spaces or tabs; empty lines and lines that begin with # are passed
// over. Works on bytes, because splitting 15 million lines into strings costs ten times as much. What is not an edge
// is reported with its line number and left out; nothing is guessed.

import { GraphError } from "../errors.ts";

/** The longest line read: two names at their longest, and some blanks. */
const MAX_LINE_BYTES = 1_024;
const [LF, CR, SPACE, TAB, HASH, ZERO, NINE] = [0x0a, 0x0d, 0x20, 0x09, 0x23, 0x30, 0x39];
/** Decimals of up to nine digits are read as numbers on the way; longer ones as names. */
const MAX_FAST_DIGITS = 9;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** One end of an edge: a canonical decimal as number, anything else as text. */
export type Name = number | string;

export interface EdgeParserOptions {
  readonly onEdge: (left: Name, right: Name) => void;
  /** Called for every line that is not an edge. */
  readonly onBadLine: (line: number, why: string) => void;
}

export class EdgeParser {
  readonly #options: EdgeParserOptions;
  #rest: Uint8Array = new Uint8Array(0);
  #line = 0;

  constructor(options: EdgeParserOptions) {
    this.#options = options;
  }

  /** Lines seen so far. */
  get lines(): number {
    return this.#line;
  }

  /** @throws GraphError BAD_EDGE_FILE for a file that is no text */
  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    let start = 0;
    for (let end = nextLineEnd(bytes, 0); end !== -1; end = nextLineEnd(bytes, start)) {
      // a CR at the very end may be half of a CRLF: wait for what follows it
      if (bytes[end] === CR && end + 1 === bytes.length) break;
      this.#readLine(bytes, start, end);
      start = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
    }
    this.#rest = bytes.slice(start);
    if (this.#rest.length > MAX_LINE_BYTES) {
      throw new GraphError(
        "BAD_EDGE_FILE",
        `line ${this.#line + 1} has over ${MAX_LINE_BYTES} bytes: this is no edge list`,
      );
    }
  }

  /** Call after the last chunk: a last line needs no line ending. */
  end(): void {
    const end = this.#rest.indexOf(CR);
    if (this.#rest.length > 0) this.#readLine(this.#rest, 0, end === -1 ? this.#rest.length : end);
    this.#rest = new Uint8Array(0);
  }

  #readLine(bytes: Uint8Array, from: number, to: number): void {
    this.#line += 1;
    let at = skipBlanks(bytes, from, to);
    if (at === to || bytes[at] === HASH) return;
    const leftFrom = at;
    const leftTo = skipName(bytes, at, to);
    at = skipBlanks(bytes, leftTo, to);
    const rightFrom = at;
    const rightTo = skipName(bytes, at, to);
    if (rightFrom === rightTo || skipBlanks(bytes, rightTo, to) !== to) {
      this.#options.onBadLine(this.#line, "expected two names on the line");
      return;
    }
    const left = readName(bytes, leftFrom, leftTo);
    const right = readName(bytes, rightFrom, rightTo);
    if (left === undefined || right === undefined) this.#options.onBadLine(this.#line, "it is not text");
    else this.#options.onEdge(left, right);
  }
}

function nextLineEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === LF || byte === CR) return at;
    if (byte === 0) throw new GraphError("BAD_EDGE_FILE", "the file holds zero bytes: this is no edge list");
  }
  return -1;
}

function skipBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] === SPACE || bytes[at] === TAB)) at += 1;
  return at;
}

function skipName(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== SPACE && bytes[at] !== TAB) at += 1;
  return at;
}

/** undefined where the bytes are no text. */
function readName(bytes: Uint8Array, from: number, to: number): Name | undefined {
  if (to - from <= MAX_FAST_DIGITS && (bytes[from] !== ZERO || to - from === 1)) {
    let value = 0;
    let at = from;
    for (; at < to; at += 1) {
      const byte = bytes[at] as number;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + (byte - ZERO);
    }
    if (at === to) return value;
  }
  try {
    return decoder.decode(bytes.subarray(from, to));
  } catch {
    return undefined; // not UTF-8: the caller reports the line
  }
}

function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
