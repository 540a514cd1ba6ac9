// The live events that the pool has buffered for a stream at its seam, as they follow the replay: without
// those that the replay contained and those of ended follows, and with positions that include the replay.
// Owned by one seam; the pool bounds what it buffers.

import { type Positions, parseCursor, parseEventId, type UserId } from "../../broker/contract.ts";
import { isOfTopic } from "../fanout/gathered.ts";
import type { Progress } from "../fanout/progress.ts";
import type { PositionedEvent } from "../formats/positioned-event.ts";
import type { ConnectionPool } from "../pool/pool.ts";

/** The end of a follow, while streams of its user were at their seams. */
export interface EndedFollow {
  readonly partition: number;
  /** The last event that had begun before. */
  readonly upTo: number;
  readonly user: UserId;
  readonly topic: string | undefined;
}

/** A buffered event with the positions that its reader reaches with it. */
export interface EventAfterSeam {
  readonly event: PositionedEvent;
  readonly partition: number;
  readonly reached: Positions;
  /** Whether it is written: its follow has not ended. */
  readonly isWanted: boolean;
}

export class SeamBuffer {
  readonly #pool: ConnectionPool;
  readonly #progress: Progress;
  readonly #cork: number;
  readonly #ended: EndedFollow[] = [];
  #events: PositionedEvent[] = [];
  #isIncomplete = false;

  constructor(pool: ConnectionPool, progress: Progress, cork: number) {
    this.#pool = pool;
    this.#progress = progress;
    this.#cork = cork;
  }

  withdraw(ended: EndedFollow): void {
    this.#ended.push(ended);
  }

  /** Something is missing among the events, so `next` discards them. */
  spoil(): void {
    this.#isIncomplete = true;
  }

  /** Discards everything. */
  clear(): void {
    this.#isIncomplete = false;
    this.#pool.takeBuffered(this.#cork);
    this.#events = [];
  }

  /**
   * Takes the next event above these sequences, by partition. Returns "all" if there is none, or "discarded"
   * if the pool or this buffer had to discard events: a replay has to take their place.
   */
  next(upTo: readonly number[]): EventAfterSeam | "all" | "discarded" {
    if (this.#isIncomplete) {
      this.clear();
      return "discarded";
    }
    for (;;) {
      if (this.#events.length === 0) {
        const taken = this.#pool.takeBuffered(this.#cork);
        if (taken?.overflowed === true) return "discarded";
        this.#events = [...(taken?.events ?? [])];
      }
      const event = this.#events.shift();
      if (event === undefined) return "all";
      const after = this.#afterSeam(event, upTo);
      if (after !== undefined) return after;
    }
  }

  #afterSeam(event: PositionedEvent, upTo: readonly number[]): EventAfterSeam | undefined {
    const at = parseEventId(event.id);
    const cursor = parseCursor(event.cursor);
    const then = cursor && this.#progress.positions.resolve(cursor);
    if (at === undefined || then === undefined) return undefined;
    const { partition, sequence } = at;
    if (sequence <= (upTo[partition] as number)) return undefined;
    const isEnded = (ended: EndedFollow): boolean =>
      ended.partition === partition && sequence <= ended.upTo && isOfTopic(event.json, ended.topic);
    return { event, partition, reached: raised(then, upTo), isWanted: !this.#ended.some(isEnded) };
  }
}

/** Returns the positions at which an event was buffered, raised by what the reader has received before. */
function raised(then: Positions, upTo: readonly number[]): Positions {
  for (const [partition, sequence] of upTo.entries()) {
    const at = then.at(partition);
    if (at === undefined) continue;
    const open = at.open.filter((one) => one > sequence);
    then.set(partition, { ...at, sequence: Math.max(at.sequence, sequence), open });
  }
  return then;
}
