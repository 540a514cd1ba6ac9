// Who must receive what. With direct messages, the user; with events, the author's followers and the author, known
// from the graph, which the same seed gives again. Readers are users 1 … connections. Memory: 16 bytes a user.

import { type GraphShape, generateFriendships } from "../../graph/index.ts";
import { Digests } from "../flood/digest.ts";
import type { LoadKind } from "./plan.ts";

export class Audience {
  readonly #shape: GraphShape;
  readonly #readers: number;
  readonly #to: LoadKind;
  /** Author → readers who see their messages. */
  readonly #sizes: Uint32Array;
  /** Author → what they sent. */
  readonly #sent: Digests;

  /** @param readers users 1 … this have a stream each */
  constructor(shape: GraphShape, readers: number, to: LoadKind) {
    this.#shape = shape;
    this.#readers = readers;
    this.#to = to;
    this.#sizes = new Uint32Array(shape.users + 1);
    this.#sizes.fill(1, 1, readers + 1); // everybody sees their own
    this.#sent = new Digests(shape.users + 1);
    if (to === "event") this.#eachFollowing((reader, author) => this.#addReader(reader, author));
  }

  /** Who may send: with direct messages the readers themselves. */
  get authors(): number {
    return this.#to === "user" ? this.#readers : this.#shape.users;
  }

  /** How many readers see an author's messages. */
  sizeOf(author: number): number {
    return this.#sizes[author] ?? 0;
  }

  /** The number of an author's next message; call it right before it is published. */
  numberNext(author: number): number {
    const seq = this.#sent.countOf(author) + 1;
    this.#sent.addEvent(author, String(author), seq);
    return seq;
  }

  /** What each reader must have received, as streams count it; the first is user 1's. */
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

  /** Friendships are mutual: both ways. */
  #eachFollowing(visit: (reader: number, author: number) => void): void {
    for (const { id, friends } of generateFriendships(this.#shape)) {
      for (const friend of friends) {
        visit(id, friend);
        visit(friend, id);
      }
    }
  }
}
