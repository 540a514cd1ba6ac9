// Producers' message ids (`Nats-Msg-Id`) of the last two minutes, used for deduplication: a repeated event is
// not stored again, and its sender receives the id of the first one. Kept in memory, oldest first, and
// rebuilt from the history at start.

/** How long a message id is remembered. */
const MESSAGE_ID_WINDOW_MS = 120_000;
/** Maximum number of message ids remembered. */
const MAX_IDS = 100_000;

export interface FirstEvent {
  readonly id: string;
  /** When the event was accepted, by the monotonic clock. */
  readonly atMs: number;
}

/** A message id as the history stores it. */
export interface StoredId {
  readonly messageId: string;
  readonly id: string;
  /** When the event was accepted, in milliseconds since 1970. */
  readonly timeMs: number;
}

export class MessageIds {
  /** First events by message id, in order of arrival. */
  readonly #first = new Map<string, FirstEvent>();

  /** Restores the message ids of earlier runs that are still within the window. */
  static restore(stored: readonly StoredId[]): MessageIds {
    const restored = new MessageIds();
    const [now, wallNow] = [performance.now(), Date.now()];
    const sorted = [...stored].sort((one, other) => one.timeMs - other.timeMs);
    for (const { messageId, id, timeMs } of sorted.slice(-MAX_IDS)) {
      const ageMs = Math.max(0, wallNow - timeMs);
      if (ageMs < MESSAGE_ID_WINDOW_MS) restored.note(messageId, { id, atMs: now - ageMs });
    }
    return restored;
  }

  get size(): number {
    return this.#first.size;
  }

  /** Returns the first event with a message id within the window before `nowMs`, or undefined. */
  find(messageId: string, nowMs: number): FirstEvent | undefined {
    const first = this.#first.get(messageId);
    return first !== undefined && nowMs - first.atMs < MESSAGE_ID_WINDOW_MS ? first : undefined;
  }

  /**
   * Records the first event of a message id. Forgets ids that have left the window, and the oldest ones above
   * the maximum.
   */
  note(messageId: string, event: FirstEvent): void {
    this.#first.delete(messageId);
    this.#first.set(messageId, event);
    for (const [oldest, { atMs }] of this.#first) {
      if (this.#first.size <= MAX_IDS && event.atMs - atMs < MESSAGE_ID_WINDOW_MS) return;
      this.#first.delete(oldest);
    }
  }
}
