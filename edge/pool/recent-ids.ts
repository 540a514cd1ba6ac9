// The ids of the last events that a stream of several users received, so that an event for two of its users
// is written once. Bounded; streams of one user have none.

/** All copies of one event leave the graph together, so only few other events come between them. */
const KEPT = 128;

export class RecentIds {
  readonly #ids = new Set<string>();

  /** Returns false if the id was present. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > KEPT) {
      const [oldest] = this.#ids;
      if (oldest !== undefined) this.#ids.delete(oldest);
    }
    return true;
  }
}
