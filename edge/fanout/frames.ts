// The `frames` fan-out. The graph tracks which users are connected here and sends this edge frames, which
// contain each event once with the handles of its recipients, so no subscription per user is needed. While
// the graph is not in step with this edge, it sends every event with all recipients by name, and this edge
// selects its own.

import {
  decodeNamed,
  type EventPosition,
  FRAME_KIND,
  type FrameKind,
  parseEventId,
  readFrame,
  readFrameHead,
  type StreamPosition,
  type UserId,
} from "../../broker/contract.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { Presence } from "../presence/presence.ts";
import type { EventTallies } from "../presence/tallies.ts";
import type { Fanout, FanoutCounts } from "./fanout.ts";
import type { Readers } from "./readers.ts";

export interface FramesFanoutOptions {
  readonly pool: ConnectionPool;
  /** Counts the streams of each user. */
  readonly readers: Readers;
  readonly presence: Pick<Presence, "join" | "leave" | "accepts">;
  readonly tallies: EventTallies;
  /** Advances with every event. */
  readonly position: StreamPosition;
}

export class FramesFanout implements Fanout {
  readonly counts: FanoutCounts = { messages: 0, rejected: 0 };
  readonly #options: FramesFanoutOptions;
  readonly #decoder = new TextDecoder();

  constructor(options: FramesFanoutOptions) {
    this.#options = options;
  }

  join(users: readonly UserId[]): Promise<boolean> {
    const { readers, presence } = this.#options;
    return presence.join(readers.join(users));
  }

  leave(users: readonly UserId[]): void {
    const { readers, presence } = this.#options;
    presence.leave(readers.leave(users));
  }

  /**
   * Handles copies of events from the graph. Those that are malformed or belong to another epoch are counted
   * and dropped.
   */
  receive(bytes: Uint8Array): void {
    this.counts.messages += 1;
    if (!this.#take(bytes)) this.counts.rejected += 1;
  }

  #take(bytes: Uint8Array): boolean {
    if (bytes[0] === FRAME_KIND.named) return this.#takeNamed(bytes);
    return bytes[0] === FRAME_KIND.counted ? this.#takeCounted(bytes) : this.#takeFrame(bytes);
  }

  #takeFrame(bytes: Uint8Array): boolean {
    const { pool, position } = this.#options;
    const last = this.#lastOf(bytes, FRAME_KIND.frame);
    if (last === undefined) return false;
    const delivered = pool.deliverFrame(bytes, position.before(last.partition));
    position.advance(last);
    if (delivered < 0) pool.resync("frame-broken", position.cursor);
    return delivered >= 0;
  }

  #takeCounted(bytes: Uint8Array): boolean {
    if (this.#lastOf(bytes, FRAME_KIND.counted) === undefined) return false;
    return readFrame(bytes, FRAME_KIND.counted, ({ id, json, recipients, handleAt }) => {
      const event = this.#positioned(id, json);
      for (let index = 0; index < recipients; index += 1) this.#deliver(handleAt(index), event, true);
    });
  }

  #takeNamed(bytes: Uint8Array): boolean {
    const named = decodeNamed(bytes);
    if (named === undefined) return false;
    const { table } = this.#options.pool;
    const event = this.#positioned(named.id, this.#decoder.decode(named.json));
    for (const user of named.users) this.#deliver(table.find(user), event, named.counted);
    return true;
  }

  /**
   * Returns the position of a frame's last event. Undefined if its handles may name other users, because the
   * frame belongs to another epoch or its owner was lost. Readers are told of that loss once the new epoch is
   * in step.
   */
  #lastOf(bytes: Uint8Array, kind: FrameKind): EventPosition | undefined {
    const head = readFrameHead(bytes, kind);
    if (head === undefined) return undefined;
    const last = parseEventId(head.lastId);
    if (last === undefined || !this.#options.presence.accepts(head.epoch, last.partition)) return undefined;
    return last;
  }

  #positioned(id: string, json: string): PositionedEvent {
    const { position } = this.#options;
    const at = parseEventId(id);
    return new PositionedEvent(id, json, at === undefined ? position.cursor : position.advance(at));
  }

  #deliver(handle: number, event: PositionedEvent, counted: boolean): void {
    const { pool, tallies } = this.#options;
    const delivered = pool.deliver(handle, event);
    if (!counted || delivered === undefined) return;
    const user = pool.table.nameOf(handle);
    if (user !== undefined) tallies.note(event.id, user, delivered);
  }
}
