// `gateway` fan-out: the graph knows who is connected here and sends this edge, frame by frame, each event once with the
// handles of its own recipients. No subscription a user. While the graph is not in step with us it sends every event
// with all recipients by name, and we keep our own.

import { parseEventId, StreamPosition, type UserId } from "../../broker/contract.ts";
import { decodeNamed, FRAME_KIND, readFrameHead, readRecords } from "../../broker/index.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { Ledger } from "../presence/ledger.ts";
import { type Fanout, type FanoutCounts, JOIN_MS } from "./fanout.ts";
import { Readers } from "./readers.ts";
import type { EventTallies } from "./tallies.ts";

export interface GatewayFanoutOptions {
  readonly pool: ConnectionPool;
  readonly ledger: Ledger;
  readonly tallies: EventTallies;
  /** Tells the graph that the ledger has news. */
  readonly announce: () => void;
}

/** A stream that waits until the graph knows its users. */
interface Waiting {
  readonly handles: readonly number[];
  readonly untilMs: number;
  readonly done: (certain: boolean) => void;
}

export class GatewayFanout implements Fanout {
  readonly mode = "gateway";
  readonly counts: FanoutCounts = { messages: 0, rejected: 0 };
  readonly #options: GatewayFanoutOptions;
  readonly #readers: Readers;
  readonly #position = new StreamPosition();
  readonly #decoder = new TextDecoder();
  /** In the order of their joining, which is that of their acknowledgement. */
  #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: GatewayFanoutOptions) {
    this.#options = options;
    this.#readers = new Readers(options.pool.table);
  }

  get cursor(): string {
    return this.#position.cursor;
  }

  get streams(): number {
    return this.#readers.streams;
  }

  get users(): number {
    return this.#readers.users;
  }

  streamsOf(user: UserId): number {
    return this.#readers.streamsOf(user);
  }

  join(users: readonly UserId[]): Promise<boolean> {
    const { ledger, announce } = this.#options;
    this.#readers.streams += 1;
    const handles = users.map((user) => this.#readers.add(user));
    for (const handle of handles) ledger.join(handle);
    if (handles.every((handle) => ledger.isCertain(handle))) return Promise.resolve(true);
    announce();
    return new Promise((done) => {
      this.#waiting.push({ handles, untilMs: performance.now() + JOIN_MS, done });
      this.#timer ??= setTimeout(() => this.#giveUp(), JOIN_MS);
    });
  }

  leave(users: readonly UserId[]): void {
    const { ledger, announce } = this.#options;
    this.#readers.streams -= 1;
    for (const user of users) {
      const handle = this.#readers.remove(user);
      if (handle !== -1 && this.#readers.at(handle) === 0) ledger.leave(handle);
    }
    if (ledger.hasNews) announce();
  }

  /** The graph has acknowledged more: who waited for that is certain. */
  acknowledged(): void {
    const { ledger } = this.#options;
    const first = this.#waiting.findIndex(
      ({ handles }) => !handles.every((handle) => ledger.isCertain(handle)),
    );
    const certain = this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
    for (const { done } of certain) done(true);
  }

  /** Copies of events, as the graph sent them. What is not of its form, or of an epoch that is over, is counted. */
  receive(bytes: Uint8Array): void {
    this.counts.messages += 1;
    const kind = bytes[0];
    if (kind === FRAME_KIND.named) return this.#receiveNamed(bytes);
    const { epoch, lastId } = readFrameHead(bytes);
    const last = parseEventId(lastId);
    // readers hear of the loss when the epoch that is under way is in step
    if (epoch !== this.#options.ledger.epoch || last === undefined) this.counts.rejected += 1;
    else if (kind === FRAME_KIND.counted) this.#receiveCounted(bytes);
    else if (kind === FRAME_KIND.frame) {
      if (this.#options.pool.deliverFrame(bytes, this.#position.before(last.partition)) < 0)
        this.counts.rejected += 1;
      this.#position.advance(last);
    } else this.counts.rejected += 1;
  }

  #receiveCounted(bytes: Uint8Array): void {
    const { pool } = this.#options;
    for (const { id, json, handles } of readRecords(bytes)) {
      const event = this.#positioned(id, json);
      for (const handle of handles) {
        const user = pool.table.nameOf(handle);
        if (user !== undefined) this.#deliver(user, event, true);
      }
    }
  }

  #receiveNamed(bytes: Uint8Array): void {
    const { id, json, counted, users } = decodeNamed(bytes);
    const event = this.#positioned(id, json);
    for (const user of users) this.#deliver(user as UserId, event, counted);
  }

  #positioned(id: string, json: Uint8Array): PositionedEvent {
    const at = parseEventId(id);
    const cursor = at === undefined ? this.#position.cursor : this.#position.advance(at);
    return new PositionedEvent(id, this.#decoder.decode(json), cursor);
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
