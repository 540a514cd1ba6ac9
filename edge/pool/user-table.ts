// Users by small numbers. A handle stands for a user while they are connected here, or are being announced: fan-outs
// keep what they know of users in flat arrays by handle, and the graph addresses users of this edge by it. Given out
// and taken back by the fan-out; the lowest free number is not guaranteed, only that numbers stay dense.

import type { UserId } from "../../broker/contract.ts";

export interface UserTable {
  /** Users with a handle. */
  readonly size: number;
  /** Highest handle that was ever given out, plus one. */
  readonly capacity: number;
  /** The user's handle, a new one where they have none. */
  acquire(user: UserId): number;
  /** The user's handle; -1 where they have none. */
  find(user: UserId): number;
  /** Whose handle it is; undefined where it is nobody's. */
  nameOf(handle: number): UserId | undefined;
  /** Takes a handle back: it may stand for another user from now on. */
  release(handle: number): void;
}

export class UserMap implements UserTable {
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
    const user = this.#names[handle];
    if (user === undefined) return;
    this.#names[handle] = undefined;
    this.#handles.delete(user);
    this.#free.push(handle);
  }
}
