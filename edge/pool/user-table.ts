// Small numbers for users, so that a frame of events can name each recipient in four bytes. One table per
// pool; the fan-out acquires and releases handles, and the pool looks them up. Bounded by the number of users
// with a handle.

import type { UserId } from "../../broker/contract.ts";

export interface UserTable {
  /** Number of users with a handle. */
  readonly size: number;
  /** One more than the highest handle so far, which is the necessary length of an array indexed by handle. */
  readonly capacity: number;
  /**
   * Returns the user's handle. A user without one gets the handle that was released last, or else the next
   * number.
   */
  acquire(user: UserId): number;
  /** Returns the user's handle, or -1. */
  find(user: UserId): number;
  /** Returns undefined for a handle that was never assigned, or was released. */
  nameOf(handle: number): UserId | undefined;
  /**
   * Releases a handle, which may then name another user. The caller ensures that no stream of the user is
   * open. Has no effect on a handle that names no user.
   */
  release(handle: number): void;
}

export class MapUserTable implements UserTable {
  readonly #handles = new Map<UserId, number>();
  readonly #names: (UserId | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#handles.size;
  }

  get capacity(): number {
    return this.#names.length;
  }

  acquire(user: UserId): number {
    const known = this.#handles.get(user);
    if (known !== undefined) return known;
    const handle = this.#free.pop() ?? this.#names.length;
    this.#names[handle] = user;
    this.#handles.set(user, handle);
    return handle;
  }

  find(user: UserId): number {
    return this.#handles.get(user) ?? -1;
  }

  nameOf(handle: number): UserId | undefined {
    return this.#names[handle];
  }

  release(handle: number): void {
    const name = this.#names[handle];
    if (name === undefined) return;
    this.#names[handle] = undefined;
    this.#handles.delete(name);
    this.#free.push(handle);
  }
}
