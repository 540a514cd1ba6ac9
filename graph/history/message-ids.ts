// Producers' message ids (`Nats-Msg-Id`) of the last two minutes, used for deduplication: an event that is
// repeated in its partition is not stored again, and its sender receives the id of the first one. Kept in
// memory, oldest first, and rebuilt from the history at start.
//
// Ages are measured by the monotonic clock or, where streams number the events, by the times in the streams:
// every service that reads a stream then comes to the same result.

import { parseEventId } from "../../broker/contract.ts";

/** How long a message id is remembered. */
const MESSAGE_ID_WINDOW_MS = 120_000;
/** Maximum number of message ids remembered. */
const MAX_IDS = 100_000;

export interface FirstEvent {
  readonly id: string;
  /** When the event was accepted, by the clock of the ages. */
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
  /** First events by partition and message id, in order of arrival. */
  readonly #first = new Map<string, FirstEvent>();

  /**
   * Restores the message ids of earlier runs that are still within the window.
   * @param ageClock `stored` if ages are measured by the times of the rows
   */
  static restore(stored: readonly StoredId[], ageClock: "monotonic" | "stored"): MessageIds {
    const restored = new MessageIds();
    const [now, wallNow] = [performance.now(), Date.now()];
    const sorted = [...stored].sort((one, other) => one.timeMs - other.timeMs);
    const newestMs = sorted.at(-1)?.timeMs ?? 0;
    for (const { messageId, id, timeMs } of sorted.slice(-MAX_IDS)) {
      const { partition = 0 } = parseEventId(id) ?? {};
      const ageMs = Math.max(0, (ageClock === "stored" ? newestMs : wallNow) - timeMs);
      const atMs = ageClock === "stored" ? timeMs : now - ageMs;
      if (ageMs < MESSAGE_ID_WINDOW_MS) restored.note(partition, messageId, { id, atMs });
    }
    return restored;
  }

  get size(): number {
    return this.#first.size;
  }

  /** Returns a partition's first event with a message id within the window before `nowMs`, or undefined. */
  find(partition: number, messageId: string, nowMs: number): FirstEvent | undefined {
    const first = this.#first.get(keyOf(partition, messageId));
    return first !== undefined && nowMs - first.atMs < MESSAGE_ID_WINDOW_MS ? first : undefined;
  }

  /**
   * Records the first event of a message id. Forgets ids that have left the window, and the oldest ones above
   * the maximum.
   */
  note(partition: number, messageId: string, event: FirstEvent): void {
    const key = keyOf(partition, messageId);
    this.#first.delete(key);
    this.#first.set(key, event);
    for (const [oldest, { atMs }] of this.#first) {
      if (this.#first.size <= MAX_IDS && event.atMs - atMs < MESSAGE_ID_WINDOW_MS) return;
      this.#first.delete(oldest);
    }
  }
}

function keyOf(partition: number, messageId: string): string {
  return `${partition}:${messageId}`;
}
