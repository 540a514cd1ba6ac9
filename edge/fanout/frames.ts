// `frames` fan-out: the graph knows who is connected here and sends this edge, frame by frame, each event once with the
// handles of its own recipients. No subscription a user. While the graph is not in step with us it sends every event
// with all recipients by name, and we keep our own.

import {
  decodeNamed,
  type EventPosition,
  FRAME_KIND,
  type FrameKind,
  parseEventId,
  readFrame,
  readFrameHead,
  StreamPosition,
  type UserId,
} from "../../broker/contract.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { PresenceLog } from "../presence/presence-log.ts";
import type { EventTallies } from "../presence/tallies.ts";
import { type Fanout, type FanoutCounts, JOIN_MS } from "./fanout.ts";
import type { Readers } from "./readers.ts";

export interface FramesFanoutOptions {
  readonly pool: ConnectionPool;
  /** Counts who joins and leaves here. */
  readonly readers: Readers;
  readonly presenceLog: PresenceLog;
  readonly tallies: EventTallies;
  /** Tells the graph that the presence log has news. */
  readonly announce: () => void;
  /** Whether copies by handle may be taken from the owner of this partition. */
  readonly takesFrom: (partition: number) => boolean;
  /** Something may be missing on every stream. */
  readonly onLoss: (reason: string) => void;
}

/** A stream that waits until the graph knows its users. */
interface PendingJoin {
  readonly handles: readonly number[];
  readonly untilMs: number;
  readonly done: (certain: boolean) => void;
}

export class FramesFanout implements Fanout {
  readonly mode = "frames";
  readonly counts: FanoutCounts = { messages: 0, rejected: 0 };
  readonly #options: FramesFanoutOptions;
  readonly #position = new StreamPosition();
  readonly #decoder = new TextDecoder();
  /** In the order of their joining, which is that of their acknowledgement. */
  #waiting: PendingJoin[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FramesFanoutOptions) {
    this.#options = options;
  }

  get cursor(): string {
    return this.#position.cursor;
  }

  join(users: readonly UserId[]): Promise<boolean> {
    const { readers, presenceLog, announce } = this.#options;
    const handles = readers.join(users);
    for (const handle of handles) presenceLog.join(handle);
    if (handles.every((handle) => presenceLog.isCertain(handle))) return Promise.resolve(true);
    announce();
    return new Promise((done) => {
      this.#waiting.push({ handles, untilMs: performance.now() + JOIN_MS, done });
      this.#timer ??= setTimeout(() => this.#giveUp(), JOIN_MS);
    });
  }

  leave(users: readonly UserId[]): void {
    const { readers, presenceLog, announce } = this.#options;
    for (const handle of readers.leave(users)) presenceLog.leave(handle);
    if (presenceLog.hasNews) announce();
  }

  /** The graph has acknowledged more: who waited for that is certain. */
  acknowledged(): void {
    const { presenceLog } = this.#options;
    const first = this.#waiting.findIndex(
      ({ handles }) => !handles.every((handle) => presenceLog.isCertain(handle)),
    );
    const certain = this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
    for (const { done } of certain) done(true);
  }

  /** Copies of events, as the graph sent them. What is not of its form, or of an epoch that is over, is counted. */
  receive(bytes: Uint8Array): void {
    this.counts.messages += 1;
    const accepted =
      bytes[0] === FRAME_KIND.named
        ? this.#receiveNamed(bytes)
        : bytes[0] === FRAME_KIND.counted
          ? this.#receiveCounted(bytes)
          : this.#receiveFrame(bytes);
    if (accepted) return;
    this.counts.rejected += 1;
  }

  #receiveFrame(bytes: Uint8Array): boolean {
    const last = this.#lastOf(bytes, FRAME_KIND.frame);
    if (last === undefined) return false;
    const delivered = this.#options.pool.deliverFrame(bytes, this.#position.before(last.partition));
    this.#position.advance(last);
    if (delivered < 0) this.#options.onLoss("frame-broken");
    return delivered >= 0;
  }

  #receiveCounted(bytes: Uint8Array): boolean {
    const { pool } = this.#options;
    if (this.#lastOf(bytes, FRAME_KIND.counted) === undefined) return false;
    return readFrame(bytes, FRAME_KIND.counted, ({ id, json, recipients, handleAt }) => {
      const event = this.#positioned(id, json);
      for (let index = 0; index < recipients; index += 1) {
        const user = pool.table.nameOf(handleAt(index));
        if (user !== undefined) this.#deliver(user, event, true);
      }
    });
  }

  /**
   * How far a frame goes; undefined where its handles may mean somebody else: of an epoch that is over, or from an owner who
   * was lost. Readers hear of that loss when the epoch under way, or the owner's return, is in step.
   */
  #lastOf(bytes: Uint8Array, kind: FrameKind): EventPosition | undefined {
    const { presenceLog, takesFrom } = this.#options;
    const head = readFrameHead(bytes, kind);
    const last = head && parseEventId(head.lastId);
    return last !== undefined && head?.epoch === presenceLog.epoch && takesFrom(last.partition)
      ? last
      : undefined;
  }

  #receiveNamed(bytes: Uint8Array): boolean {
    const named = decodeNamed(bytes);
    if (named === undefined) return false;
    const event = this.#positioned(named.id, this.#decoder.decode(named.json));
    for (const user of named.users) this.#deliver(user, event, named.counted);
    return true;
  }

  #positioned(id: string, json: string): PositionedEvent {
    const at = parseEventId(id);
    const cursor = at === undefined ? this.#position.cursor : this.#position.advance(at);
    return new PositionedEvent(id, json, cursor);
  }

  #deliver(user: UserId, event: PositionedEvent, counted: boolean): void {
    const { pool, tallies } = this.#options;
    const online = pool.streamsOf(user) > 0;
    const delivered = pool.deliver(user, event);
    if (counted && online) tallies.note(event.id, user, delivered);
  }

  #giveUp(): void {
    const now = performance.now();
    while ((this.#waiting[0]?.untilMs ?? Number.POSITIVE_INFINITY) <= now) this.#waiting.shift()?.done(false);
    const next = this.#waiting[0];
    this.#timer = next && setTimeout(() => this.#giveUp(), Math.max(1, next.untilMs - now));
  }
}
