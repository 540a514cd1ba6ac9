// Long events, which the graph sends in parts: their recipients are gathered here and receive the event in
// one turn, so that one position holds for all streams of the edge. At most two are open per partition, with
// four bytes per recipient and some more for the set.

import type { Progress } from "./progress.ts";

/** A long event whose last part has not arrived. */
export interface LongEvent {
  readonly id: string;
  readonly json: string;
  readonly topic: string | undefined;
  readonly handles: Set<number>;
  /** Users who must not receive it any more. A later part may name them, since parts come from a snapshot. */
  readonly withdrawn: Set<number>;
}

export class Gathered {
  /** By partition, then by sequence. */
  readonly #open = new Map<number, Map<number, LongEvent>>();

  constructor(progress: Progress) {
    progress.on("epoch", () => this.#forgetRecipients());
  }

  begin(partition: number, sequence: number, id: string, json: string): void {
    const events = this.#open.get(partition) ?? new Map<number, LongEvent>();
    this.#open.set(partition, events);
    events.set(sequence, { id, json, topic: topicOf(json), handles: new Set(), withdrawn: new Set() });
  }

  add(partition: number, sequence: number, handles: Iterable<number>): void {
    const event = this.#open.get(partition)?.get(sequence);
    if (event === undefined) return;
    for (const handle of handles) if (!event.withdrawn.has(handle)) event.handles.add(handle);
  }

  /** Returns an event whose last part has arrived, and forgets it. */
  take(partition: number, sequence: number): LongEvent | undefined {
    const events = this.#open.get(partition);
    const event = events?.get(sequence);
    events?.delete(sequence);
    return event;
  }

  /** Removes a handle whose user has left, because another user may get it. */
  release(handle: number): void {
    for (const events of this.#open.values()) {
      for (const { handles, withdrawn } of events.values()) {
        handles.delete(handle);
        withdrawn.delete(handle);
      }
    }
  }

  /**
   * Removes a user from a topic's events up to a sequence, or from messages to users, which have no topic.
   */
  withdraw(partition: number, upTo: number, topic: string | undefined, handle: number): void {
    for (const [sequence, event] of this.#open.get(partition) ?? []) {
      if (sequence > upTo || topic !== event.topic) continue;
      event.handles.delete(handle);
      event.withdrawn.add(handle);
    }
  }

  /** Forgets the events of a partition up to a sequence, which ended without their last parts. */
  drop(partition: number, upTo: number): void {
    const events = this.#open.get(partition);
    for (const sequence of [...(events?.keys() ?? [])]) if (sequence <= upTo) events?.delete(sequence);
  }

  /**
   * Forgets all recipients, because a presence epoch begins. The graph sends the recipients of events that
   * are still open again, in the handles of the new epoch.
   */
  #forgetRecipients(): void {
    for (const events of this.#open.values()) {
      for (const { handles, withdrawn } of events.values()) {
        handles.clear();
        withdrawn.clear();
      }
    }
  }
}

/** Returns the topic of an encoded event; undefined for a message to a user. */
function topicOf(json: string): string | undefined {
  return (JSON.parse(json) as { topic?: string }).topic;
}

/** Returns whether an encoded event is of a topic or, without one, a message to a user. */
export function isOfTopic(json: string, topic: string | undefined): boolean {
  return topicOf(json) === topic;
}
