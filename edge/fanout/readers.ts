// How many streams each user has here, by handle: from the moment a stream joins, which is before the pool holds it,
// until it leaves. Four bytes a handle.

import type { UserId } from "../../broker/contract.ts";
import type { UserTable } from "../pool/user-table.ts";

export class Readers {
  readonly #table: UserTable;
  #counts = new Uint32Array(256);
  /** Streams that joined and have not left. */
  streams = 0;
  /** Users with at least one of them. */
  users = 0;

  constructor(table: UserTable) {
    this.#table = table;
  }

  streamsOf(user: UserId): number {
    const handle = this.#table.find(user);
    return handle === -1 ? 0 : this.at(handle);
  }

  /** The same, of a handle. */
  at(handle: number): number {
    return this.#counts[handle] ?? 0;
  }

  /** One stream of these users more; they get handles. Answers the handles. Where it throws, nothing has changed. */
  join(users: readonly UserId[]): number[] {
    const handles: number[] = [];
    try {
      for (const user of users) handles.push(this.#add(user));
    } catch (error) {
      for (const [index] of handles.entries()) this.remove(users[index] as UserId);
      throw error;
    }
    this.streams += 1;
    return handles;
  }

  #add(user: UserId): number {
    const handle = this.#table.acquire(user);
    if (handle >= this.#counts.length) {
      const larger = new Uint32Array(Math.max(handle + 1, this.#counts.length * 2));
      larger.set(this.#counts);
      this.#counts = larger;
    }
    const count = this.at(handle) + 1;
    this.#counts[handle] = count;
    if (count === 1) this.users += 1;
    return handle;
  }

  /** One stream less. Answers the handle, which stays the user's until it is released; -1 where they had none. */
  remove(user: UserId): number {
    const handle = this.#table.find(user);
    const count = this.at(handle);
    if (count === 0) return -1;
    this.#counts[handle] = count - 1;
    if (count === 1) this.users -= 1;
    return handle;
  }
}
