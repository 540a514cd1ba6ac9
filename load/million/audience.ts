// Computes what each reader must receive. A direct message goes to its user. An event goes to the author's
// followers and the author, known from the graph, which the same seed generates again. Readers are the users
// 1 … connections. Memory: 16 bytes per user.

import { type GraphShape, generateFriendships } from "../../graph/index.ts";
import { Digests } from "../flood/digest.ts";
import type { LoadKind } from "./plan.ts";

export class Audience {
  readonly #shape: GraphShape;
  readonly #readers: number;
  readonly #to: LoadKind;
  /** Number of readers who receive each author's messages. */
  readonly #sizes: Uint32Array;
  /** Messages that each author sent. */
  readonly #sent: Digests;

  /** @param readers the users 1 … readers have one stream each */
  constructor(shape: GraphShape, readers: number, to: LoadKind) {
    this.#shape = shape;
    this.#readers = readers;
    this.#to = to;
    this.#sizes = new Uint32Array(shape.users + 1);
    this.#sizes.fill(1, 1, readers + 1); // every author receives their own messages
    this.#sent = new Digests(shape.users + 1);
    if (to === "event") this.#eachFollowing((reader, author) => this.#addReader(reader, author));
  }

  /** Returns the possible authors: for direct messages the readers themselves. */
  get authors(): number {
    return this.#to === "user" ? this.#readers : this.#shape.users;
  }

  /** Returns the number of readers who receive an author's messages. */
  sizeOf(author: number): number {
    return this.#sizes[author] ?? 0;
  }

  /** Returns the number of an author's next message. Call it right before the message is published. */
  numberNext(author: number): number {
    const seq = this.#sent.countOf(author) + 1;
    this.#sent.addEvent(author, String(author), seq);
    return seq;
  }

  /** Returns the expected digest of each reader's stream; the first is user 1's. */
  expected(): Digests {
    const expected = new Digests(this.#readers);
    for (let reader = 1; reader <= this.#readers; reader += 1)
      expected.addAll(reader - 1, this.#sent, reader);
    if (this.#to === "event")
      this.#eachFollowing((reader, author) => {
        if (reader <= this.#readers) expected.addAll(reader - 1, this.#sent, author);
      });
    return expected;
  }

  #addReader(reader: number, author: number): void {
    if (reader <= this.#readers) this.#sizes[author] = (this.#sizes[author] as number) + 1;
  }

  /** Adds a friendship in both directions. */
  #eachFollowing(visit: (reader: number, author: number) => void): void {
    for (const { id, friends } of generateFriendships(this.#shape)) {
      for (const friend of friends) {
        visit(id, friend);
        visit(friend, id);
      }
    }
  }
}
