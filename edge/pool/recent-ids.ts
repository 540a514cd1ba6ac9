// The ids of the last events that one stream of several users received, so that an event which reaches two of its
// users reaches the stream once. Bounded; only such streams have one.

/** All copies of one event leave the graph together, so few others come between them. */
const KEPT = 128;

export class RecentIds {
  readonly #ids = new Set<string>();

  /** False where it was among them already. */
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
