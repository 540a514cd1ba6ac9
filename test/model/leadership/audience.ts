// The readers of the leadership walk. They connect to any edge, lose their connections, and return with the
// last cursor that they read; at the end each reader's record is checked.

import type { Random } from "../../../graph/index.ts";
import { type Edge, Stream } from "../edge.ts";
import type { History } from "../history.ts";
import { check, newReader, type Reader, record } from "../reader.ts";

export interface AudienceCounts {
  delivered: number;
  resumes: number;
}

export class Audience {
  readonly counts: AudienceCounts = { delivered: 0, resumes: 0 };
  readonly #random: Random;
  readonly #edges: readonly Edge[];
  readonly #partitions: number;
  readonly #readers: readonly Reader[];
  /** Streams whose reader is gone, which their edge has not noticed yet. */
  readonly #stale: { readonly edge: number; readonly stream: Stream }[] = [];
  #streams = 0;

  constructor(random: Random, edges: readonly Edge[], users: number, partitions: number) {
    this.#random = random;
    this.#edges = edges;
    this.#partitions = partitions;
    this.#readers = Array.from({ length: users }, (_, user) => newReader(user, partitions));
  }

  /** Lets a reader read, connect, or lose its connection, or an edge notice that. */
  move(): void {
    const reader = this.#readers[this.#random.below(this.#readers.length)] as Reader;
    const roll = this.#random.below(20);
    if (roll < 12) this.#read(reader);
    else if (roll < 17) this.#connect(reader);
    else if (roll < 18) {
      if (reader.stream !== undefined) this.#stale.push(reader.stream);
      reader.stream = undefined;
    } else this.#notice();
  }

  /** Connects every reader and reads everything. */
  drain(): void {
    for (const reader of this.#readers) {
      this.#connect(reader);
      while (this.#read(reader));
    }
    while (this.#stale.length > 0) this.#notice();
  }

  /** Returns the violations in the readers' records. */
  check(
    histories: readonly History[],
    owes: (user: number, partition: number, seq: number) => boolean,
  ): string[] {
    return this.#readers.flatMap((reader) => check(reader, histories, owes));
  }

  #connect(reader: Reader): void {
    if (reader.stream !== undefined) return;
    const edge = this.#random.below(this.#edges.length);
    this.#streams += 1;
    if (reader.cursor !== undefined) this.counts.resumes += 1;
    const stream = new Stream(this.#streams, reader.user, reader.cursor, this.#partitions);
    reader.stream = { edge, stream };
    this.#edges[edge]?.open(stream);
  }

  #notice(): void {
    const stale = this.#stale.shift();
    if (stale !== undefined) this.#edges[stale.edge]?.close(stale.stream);
  }

  #read(reader: Reader): boolean {
    const block = reader.stream?.stream.tcp.shift();
    if (block === undefined) return false;
    record(reader, block);
    if (block.seq !== undefined) this.counts.delivered += 1;
    return true;
  }
}
