// Small numbers for users, so that a frame of events can name its recipients in four bytes each. One table a pool; the
// fan-out lends handles out and takes them back, the pool looks them up. Bounded by the users that have a handle.

import type { UserId } from "../../broker/contract.ts";

export interface UserTable {
  /** Users that have a handle. */
  readonly size: number;
  /** One more than the highest handle there ever was: how long a list by handle must be. */
  readonly capacity: number;
  /** The user's handle, a new one where it has none: the one that was released last, else the next number. */
  acquire(user: UserId): number;
  /** The user's handle; -1 where it has none. */
  find(user: UserId): number;
  /** Undefined for a handle that names nobody: it was released, or never lent. */
  nameOf(handle: number): UserId | undefined;
  /**
   * From now on the handle may name another user. Whoever releases it makes sure that no stream of the user is open
   * any more. Nothing happens where it names nobody.
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
