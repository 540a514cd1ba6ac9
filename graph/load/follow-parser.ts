// Parses a list of follows: two names per line, separated by spaces or tabs. Empty lines and lines that begin
// with # are ignored. Works on bytes, because splitting 15 million lines into strings costs ten times as
// much. A line that is not a follow is reported by number and left out; nothing is guessed. Holds at most one
// line of 1 KiB between pieces.

import { GraphError } from "../errors.ts";

/** The longest line that is accepted: two names of maximum length and some blanks. */
const MAX_LINE_BYTES = 1_024;
const [LF, CR, SPACE, TAB, HASH, ZERO] = [0x0a, 0x0d, 0x20, 0x09, 0x23, 0x30];
/** Decimals of up to nine digits are parsed as numbers; longer ones are names. */
const MAX_FAST_DIGITS = 9;
/** The longest line that is parsed without searching for its end first: two such numbers, a blank, CR LF. */
const LONGEST_PLAIN_LINE = 2 * MAX_FAST_DIGITS + 3;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** One end of a follow: a number for a short canonical decimal, otherwise text. */
export type Name = number | string;

export interface FollowParserOptions {
  /** The name of the file in errors. */
  readonly name: string;
  readonly onFollow: (left: Name, right: Name) => void;
  /** Called for every line that is not a follow. */
  readonly onBadLine: (line: number, why: string) => void;
}

export class FollowParser {
  readonly #options: FollowParserOptions;
  #rest: Uint8Array = new Uint8Array(0);
  #line = 0;

  constructor(options: FollowParserOptions) {
    this.#options = options;
  }

  /** The number of lines parsed so far. */
  get lines(): number {
    return this.#line;
  }

  /** @throws GraphError BAD_FOLLOWS_FILE for a file that is not text */
  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    let at = 0;
    for (let next = 0; next !== -1; next = this.#readAnyLine(bytes, at))
      at = this.#readPlainLines(bytes, next);
    this.#rest = bytes.slice(at);
  }

  /** Parses a last line without a line ending. Call it after the last chunk. */
  end(): void {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    if (rest.length > 0) this.#readLine(rest, 0, rest.at(-1) === CR ? rest.length - 1 : rest.length);
  }

  /**
   * Parses, in one pass, lines of two short decimals and one blank, which nearly all lines of large files
   * are. Returns the beginning of the first line that is different, or so close to the end that it may be
   * incomplete.
   */
  #readPlainLines(bytes: Uint8Array, from: number): number {
    const { onFollow } = this.#options;
    const last = bytes.length - LONGEST_PLAIN_LINE;
    let start = from;
    while (start <= last) {
      let at = start;
      let left = 0;
      for (let digit = digitAt(bytes, at); digit < 10; digit = digitAt(bytes, at)) {
        left = left * 10 + digit;
        at += 1;
        if (at > start + MAX_FAST_DIGITS) return start;
      }
      const blank = bytes[at];
      if (!isCanonical(bytes, start, at) || (blank !== SPACE && blank !== TAB)) return start;
      at += 1;
      const rightFrom = at;
      let right = 0;
      for (let digit = digitAt(bytes, at); digit < 10; digit = digitAt(bytes, at)) {
        right = right * 10 + digit;
        at += 1;
        if (at > rightFrom + MAX_FAST_DIGITS) return start;
      }
      if (!isCanonical(bytes, rightFrom, at)) return start;
      if (bytes[at] === CR) at += 1;
      else if (bytes[at] !== LF) return start;
      start = bytes[at] === LF ? at + 1 : at;
      this.#line += 1;
      onFollow(left, right);
    }
    return start;
  }

  /**
   * Parses any single line. Returns where the next one begins, or -1 if the end of the line has not arrived
   * yet.
   */
  #readAnyLine(bytes: Uint8Array, start: number): number {
    for (let at = start; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte === 0) throw this.#refuse("has a zero byte");
      if (at - start > MAX_LINE_BYTES) throw this.#refuse(`has over ${MAX_LINE_BYTES} bytes`);
      if (byte !== LF && byte !== CR) continue;
      // a CR at the very end may be half of a CRLF: wait for the next byte
      if (byte === CR && at + 1 === bytes.length) return -1;
      this.#readLine(bytes, start, at);
      return byte === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
    }
    return -1;
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
    if (left === undefined || right === undefined) this.#options.onBadLine(this.#line, "not valid UTF-8");
    else this.#options.onFollow(left, right);
  }

  #refuse(what: string): GraphError {
    return new GraphError(
      "BAD_FOLLOWS_FILE",
      `${this.#options.name}:${this.#line + 1}: the line ${what}: this is not a list of follows; expected "A B" per line`,
    );
  }
}

/** Returns 0 to 9, or a larger number if the byte is not a digit. */
function digitAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) ^ ZERO;
}

/** Returns whether digits are in canonical form: at least one, and no leading zero. */
function isCanonical(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from === 1 || (to > from && bytes[from] !== ZERO);
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

/** Returns undefined if the bytes are not valid UTF-8. */
function readName(bytes: Uint8Array, from: number, to: number): Name | undefined {
  if (to - from <= MAX_FAST_DIGITS && isCanonical(bytes, from, to)) {
    let value = 0;
    let at = from;
    for (; at < to && digitAt(bytes, at) < 10; at += 1) value = value * 10 + digitAt(bytes, at);
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
