// Which streams a user has, by the user's handle: nearly always one, so it stands there without a list around it. Owned by
// one pool; a place a handle, and nothing stays of a user whose last stream is gone.

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

  /** What a user has: nothing, one, or several. Who ends streams while he walks a list walks a copy. */
  at(handle: number): Stream | Stream[] | undefined {
    return this.#streams[handle];
  }

  /** The user gets a handle, where they have none. */
  add(user: UserId, stream: Stream): void {
    const handle = this.#table.acquire(user);
    while (this.#streams.length <= handle) this.#streams.push(undefined); // no holes: an array, not a dictionary
    const there = this.#streams[handle];
    if (there === undefined) {
      this.users += 1;
      this.#streams[handle] = stream;
    } else if (Array.isArray(there)) there.push(stream);
    else this.#streams[handle] = [there, stream];
  }

  /** The handle stays the user's: whoever lent it takes it back. */
  remove(user: UserId, stream: Stream): void {
    const handle = this.#table.find(user);
    const there = this.#streams[handle];
    if (there === stream) {
      this.users -= 1;
      this.#streams[handle] = undefined;
      return;
    }
    if (!Array.isArray(there)) return; // one user named twice
    there.splice(there.indexOf(stream), 1);
    if (there.length === 1) this.#streams[handle] = there[0] as Stream;
  }
}
