// The digest of the messages that a stream received: their number, and the sum of their hashes in two lanes
// of 32 bits. A sum does not depend on the order, so the expected digest follows from the number of events
// that each author sent, and a million streams are compared in a second. native/digest.h implements the same
// arithmetic, and a test compares the two.

/** Two lanes of FNV-1a over the author's name, with different initial values. */
const START_A = 0x811c9dc5;
const START_B = 0x2f0b4c47;
const FNV_PRIME = 0x01000193;
const SEQ_STEP_A = 0x9e3779b1;
const SEQ_STEP_B = 0x85ebca77;

/** Words per digest in an array: count, lane A, lane B. */
export const DIGEST_WORDS = 3;

/** Differences between the streams and what was expected, in messages except for `different`. */
export interface Comparison {
  expected: number;
  received: number;
  lost: number;
  duplicated: number;
  /** Streams with the expected number of messages, of which some are wrong. */
  different: number;
}

/** Digests of many streams, or of many authors, in a flat array of 12 bytes each. */
export class Digests {
  readonly words: Uint32Array;

  constructor(size: number, words: Uint32Array = new Uint32Array(size * DIGEST_WORDS)) {
    this.words = words;
  }

  /** Adds event `seq` of an author. */
  addEvent(index: number, from: string, seq: number): void {
    let [a, b] = [START_A, START_B];
    for (let i = 0; i < from.length; i += 1) {
      const byte = from.charCodeAt(i);
      a = Math.imul(a ^ byte, FNV_PRIME);
      b = Math.imul(b ^ byte, FNV_PRIME);
    }
    this.#add(index, 1, mix(a + Math.imul(seq, SEQ_STEP_A)), mix(b ^ Math.imul(seq, SEQ_STEP_B)));
  }

  /** Adds another digest, as for a stream that receives all events of an author. */
  addAll(index: number, other: Digests, otherIndex: number): void {
    const at = otherIndex * DIGEST_WORDS;
    const { words } = other;
    this.#add(index, words[at] as number, words[at + 1] as number, words[at + 2] as number);
  }

  countOf(index: number): number {
    return this.words[index * DIGEST_WORDS] as number;
  }

  isSame(index: number, other: Digests): boolean {
    const at = index * DIGEST_WORDS;
    for (let word = at; word < at + DIGEST_WORDS; word += 1)
      if (this.words[word] !== other.words[word]) return false;
    return true;
  }

  #add(index: number, count: number, a: number, b: number): void {
    const at = index * DIGEST_WORDS;
    const { words } = this; // sums are modulo 2^32, as in the other implementation
    words[at] = (words[at] as number) + count;
    words[at + 1] = (words[at + 1] as number) + a;
    words[at + 2] = (words[at + 2] as number) + b;
  }
}

/** Compares received with expected digests. */
export function compareDigests(expected: Digests, received: Digests, streams: number): Comparison {
  const result: Comparison = { expected: 0, received: 0, lost: 0, duplicated: 0, different: 0 };
  for (let stream = 0; stream < streams; stream += 1) {
    const wanted = expected.countOf(stream);
    const got = received.countOf(stream);
    result.expected += wanted;
    result.received += got;
    if (got < wanted) result.lost += wanted - got;
    else if (got > wanted) result.duplicated += got - wanted;
    else if (!expected.isSame(stream, received)) result.different += 1;
  }
  return result;
}

/** MurmurHash3's finalizer. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
