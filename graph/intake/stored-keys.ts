// Events that were stored before their core copies arrived, by content. Such a copy usually arrives within
// milliseconds, or never if this service did not listen. Owned by the stream intake; bounded by number and
// age.

const MAX_AGE_MS = 1_000;
const MAX_KEYS = 10_000;

interface StoredKey {
  readonly id: string;
  /** By the monotonic clock. */
  readonly atMs: number;
}

export class StoredKeys {
  /** Oldest first. */
  readonly #byKey = new Map<string, StoredKey>();

  note(key: string, id: string, nowMs: number): void {
    this.#byKey.delete(key);
    this.#byKey.set(key, { id, atMs: nowMs });
    for (const [oldest, { atMs }] of this.#byKey) {
      if (this.#byKey.size <= MAX_KEYS && nowMs - atMs < MAX_AGE_MS) return;
      this.#byKey.delete(oldest);
    }
  }

  /** Returns the id of an event that was stored lately, and forgets it. */
  take(key: string, nowMs: number): string | undefined {
    const found = this.#byKey.get(key);
    this.#byKey.delete(key);
    return found !== undefined && nowMs - found.atMs < MAX_AGE_MS ? found.id : undefined;
  }
}
