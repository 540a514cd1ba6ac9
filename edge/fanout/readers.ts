// Counts the streams of each user on this edge, by handle, from the moment a stream joins (before the pool
// holds it) until it leaves. The fan-out updates the counts; the admission and the metrics read them. Four
// bytes per handle.

import type { UserId } from "../../broker/contract.ts";
import type { UserTable } from "../pool/user-table.ts";

export class Readers {
  readonly #table: UserTable;
  #counts = new Uint32Array(256);
  /** Streams that have joined and not left. */
  streams = 0;
  /** Users with at least one such stream. */
  users = 0;

  constructor(table: UserTable) {
    this.#table = table;
  }

  streamsOf(user: UserId): number {
    const handle = this.#table.find(user);
    return handle === -1 ? 0 : this.#at(handle);
  }

  /** Registers one stream for these users and returns their handles. If it throws, nothing has changed. */
  join(users: readonly UserId[]): number[] {
    const handles: number[] = [];
    try {
      for (const user of users) handles.push(this.#add(user));
    } catch (error) {
      for (const user of users.slice(0, handles.length)) this.#remove(user);
      throw error;
    }
    this.streams += 1;
    return handles;
  }

  /**
   * Undoes one `join`. Returns the handles of the users who have no other stream here. The handles stay
   * assigned to these users until they are released.
   */
  leave(users: readonly UserId[]): number[] {
    this.streams -= 1;
    return users.map((user) => this.#remove(user)).filter((handle) => handle !== -1);
  }

  #add(user: UserId): number {
    const handle = this.#table.acquire(user);
    if (handle >= this.#counts.length) {
      const larger = new Uint32Array(Math.max(handle + 1, this.#counts.length * 2));
      larger.set(this.#counts);
      this.#counts = larger;
    }
    const count = this.#at(handle) + 1;
    this.#counts[handle] = count;
    if (count === 1) this.users += 1;
    return handle;
  }

  /** Returns the handle of a user whose last stream this was, or -1. */
  #remove(user: UserId): number {
    const handle = this.#table.find(user);
    const count = this.#at(handle);
    if (count === 0) return -1;
    this.#counts[handle] = count - 1;
    if (count > 1) return -1;
    this.users -= 1;
    return handle;
  }

  #at(handle: number): number {
    return this.#counts[handle] ?? 0;
  }
}
