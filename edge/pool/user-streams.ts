// The streams of each user, by the user's handle. Nearly every user has one stream, which is stored without a
// list. Owned by one pool. One slot per handle; nothing remains of a user whose last stream has ended.

import type { UserId } from "../../broker/contract.ts";
import type { UserTable } from "./user-table.ts";

export class UserStreams<Stream extends object> {
  readonly #table: UserTable;
  readonly #streams: (Stream | Stream[] | undefined)[] = [];
  /** Users with at least one stream. */
  users = 0;

  constructor(table: UserTable) {
    this.#table = table;
  }

  /**
   * Returns a user's streams: none, one, or several. A caller that ends streams while it iterates must copy
   * the list.
   */
  at(handle: number): Stream | Stream[] | undefined {
    return this.#streams[handle];
  }

  /** Adds a stream, and acquires a handle for the user if there is none. */
  add(user: UserId, stream: Stream): void {
    const handle = this.#table.acquire(user);
    // without holes, so that V8 keeps a fast array
    while (this.#streams.length <= handle) this.#streams.push(undefined);
    const there = this.#streams[handle];
    if (there === undefined) {
      this.users += 1;
      this.#streams[handle] = stream;
    } else if (Array.isArray(there)) there.push(stream);
    else this.#streams[handle] = [there, stream];
  }

  /** Removes a stream. The handle stays assigned to the user until its owner releases it. */
  remove(user: UserId, stream: Stream): void {
    const handle = this.#table.find(user);
    const there = this.#streams[handle];
    if (there === stream) {
      this.users -= 1;
      this.#streams[handle] = undefined;
      return;
    }
    if (!Array.isArray(there)) return; // the stream names the user twice
    there.splice(there.indexOf(stream), 1);
    if (there.length === 1) this.#streams[handle] = there[0] as Stream;
  }
}
