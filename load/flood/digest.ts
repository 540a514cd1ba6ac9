// The digest of what a stream received: how many of a run's messages, and the sum of their hashes in two lanes of 32
// bits. Sums forget order, so what a stream must have follows from how many events each author sent, and a million
// streams are compared in a second. native/digest.h has the same arithmetic; a test compares them.

/** Two lanes of FNV-1a over the author's name, from two starts. */
const START_A = 0x811c9dc5;
const START_B = 0x2f0b4c47;
const FNV_PRIME = 0x01000193;
const SEQ_STEP_A = 0x9e3779b1;
const SEQ_STEP_B = 0x85ebca77;

/** Numbers a stream's digest takes in an array of them: count, lane A, lane B. */
export const DIGEST_WORDS = 3;

/** How streams differ from what they must have received. Messages but for `different`. */
export interface Comparison {
  expected: number;
  received: number;
  lost: number;
  duplicated: number;
  /** Streams that have as many messages as they must, but not the same. */
  different: number;
}

/** Digests of many streams, or of many authors: flat, 12 bytes each. */
export class Digests {
  readonly words: Uint32Array;

  constructor(size: number, words: Uint32Array = new Uint32Array(size * DIGEST_WORDS)) {
    this.words = words;
  }

  /** Counts event `seq` of an author. */
  addEvent(index: number, from: string, seq: number): void {
    let [a, b] = [START_A, START_B];
    for (let i = 0; i < from.length; i += 1) {
      const byte = from.charCodeAt(i);
      a = Math.imul(a ^ byte, FNV_PRIME);
      b = Math.imul(b ^ byte, FNV_PRIME);
    }
    this.#add(index, 1, mix(a + Math.imul(seq, SEQ_STEP_A)), mix(b ^ Math.imul(seq, SEQ_STEP_B)));
  }

  /** Adds another's whole digest, as a stream does that reads all of an author's events. */
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
    const { words } = this; // 32 bits each: what is carried out is gone, as in the other implementation
    words[at] = (words[at] as number) + count;
    words[at + 1] = (words[at + 1] as number) + a;
    words[at + 2] = (words[at + 2] as number) + b;
  }
}

/** What each stream has against what it must have. */
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
