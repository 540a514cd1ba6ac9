// The pool whose streams are plain data outside V8 (src/pool.h). This class only translates: the Node adapter
// gives it descriptors, and the addon reports ends in batches, once per turn of the event loop. It keeps
// nothing per connection.

import type { Hole, UserId } from "../../../broker/contract.ts";
import { FRAMINGS, type Framing } from "../../formats/frame.ts";
import { FORMATS } from "../../formats/index.ts";
import { PositionedEvent } from "../../formats/positioned-event.ts";
import { tickTexts } from "../../formats/text.ts";
import { type CloseReason, COME_BACK_MS } from "../close-reasons.ts";
import {
  type Buffered,
  CORK_LIMITS,
  type ConnectionPool,
  type DrainOptions,
  type OnEnd,
  type PoolCounts,
  type PoolLimits,
  type StreamSpec,
} from "../pool.ts";
import { loadPoolAddon, type NativeHandle } from "./addon.ts";
import { nativeFormat } from "./native-formats.ts";
import { NativeUserTable } from "./native-user-table.ts";

const DRAIN_STEP_MS = 50;
/** Interval at which freed memory is returned: the buffers of a burst leave holes between live data. */
const GIVE_BACK_MS = 10_000;

export class NativePool implements ConnectionPool {
  readonly table: NativeUserTable;
  readonly #native: NativeHandle;
  #onEnd: OnEnd = () => {};
  /** Index of each of the addon's figures. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #reasons: readonly CloseReason[];
  readonly #figures: Float64Array;
  readonly #giver: NodeJS.Timeout;
  /** The event that was set in the addon last; the copies of one event arrive close together. */
  #current: PositionedEvent | undefined;

  /** @throws EdgeError BAD_CONFIG if the addon was not built */
  constructor(limits: PoolLimits) {
    const addon = loadPoolAddon();
    this.#places = new Map(addon.figures.map((name, place) => [name, place]));
    this.#reasons = addon.closeReasons as readonly CloseReason[];
    this.#figures = new Float64Array(addon.figures.length + addon.closeReasons.length);
    this.#native = addon.createPool(
      {
        ...limits,
        comeBackMinMs: COME_BACK_MS.min,
        comeBackSpreadMs: COME_BACK_MS.spread,
        corkEvents: CORK_LIMITS.events,
        corkBytes: CORK_LIMITS.bytes,
        corkTotalBytes: CORK_LIMITS.totalBytes,
        formats: FORMATS.map((format) => nativeFormat(format, this.#reasons)),
      },
      (names, usersOf, reasons) => this.#tellEnds(names as readonly UserId[], usersOf, reasons),
    );
    this.#giver = setInterval(() => addon.giveBackMemory(), GIVE_BACK_MS).unref();
    this.table = new NativeUserTable(this.#native, (name) => this.#figure(name));
  }

  get size(): number {
    return this.#figure("open");
  }

  get users(): number {
    return this.#figure("users");
  }

  get queuedBytes(): number {
    return this.#figure("queuedBytes");
  }

  get corked(): number {
    return this.#figure("corked");
  }

  get bufferedBytes(): number {
    return this.#figure("bufferedBytes");
  }

  /**
   * Number of descriptors that the pool holds: open streams, and those whose readers are reading their last
   * bytes.
   */
  get descriptors(): number {
    this.#look();
    return this.#at("open") + this.#at("ending");
  }

  /** The current counts. */
  get counts(): PoolCounts {
    this.#look();
    const first = this.#places.size;
    const closed = Object.fromEntries(
      this.#reasons.map((reason, index) => [reason, this.#figures[first + index] ?? 0]),
    ) as Record<CloseReason, number>;
    return {
      opened: this.#at("opened"),
      delivered: this.#at("delivered"),
      chunks: this.#at("chunks"),
      bytes: this.#at("bytes"),
      overflows: this.#at("overflows"),
      closed,
    };
  }

  /** An end is reported in the next turn of the event loop at the latest. */
  onEnd(listener: OnEnd): void {
    this.#onEnd = listener;
  }

  /**
   * Holds a duplicate of a connected socket's descriptor, and writes `head` and the stream's opening to it at
   * once, unless the stream is corked. The caller then destroys its own socket. Without framing, the response
   * lasts until the connection closes. Returns false if the stream cannot be held for lack of descriptors or
   * memory; nothing was written then.
   */
  adopt(fd: number, head: string, spec: StreamSpec, framing: Framing): boolean {
    const { users, format, opening, cursor, cork, tickMs = 0 } = spec;
    const [first] = users;
    const [before, after] = tickMs > 0 ? tickTexts(users) : ["", ""];
    const problem = this.#native.open(
      fd,
      FORMATS.indexOf(format),
      FRAMINGS.indexOf(framing),
      head,
      opening,
      users.length === 1 && first !== undefined ? first : users,
      spec.expiresAtMs ?? Number.POSITIVE_INFINITY,
      tickMs,
      before,
      after,
      cursor,
      cork?.number ?? -1,
    );
    if (problem === 0 && cork !== undefined) queueMicrotask(() => cork.onHeld());
    return problem === 0;
  }

  deliver(handle: number, event: PositionedEvent): number | undefined {
    if (event !== this.#current) {
      this.#native.setEvent(event.id, event.json, event.cursor);
      this.#current = event;
    }
    const delivered = this.#native.deliver(handle);
    return delivered < 0 ? undefined : delivered;
  }

  deliverFrame(frame: Uint8Array, stamp: number, others: string): number {
    this.#current = undefined;
    return this.#native.deliverFrame(frame, stamp, others);
  }

  resync(hole: Hole, cursor: string): void {
    for (const [index, format] of FORMATS.entries())
      this.#native.broadcast(index, format.resync(hole, cursor), cursor);
  }

  refresh(cursor: string): void {
    this.#native.refresh(cursor);
  }

  takeBuffered(cork: number): Buffered | undefined {
    const texts = this.#native.takeBuffered(cork);
    if (texts === undefined) return undefined;
    if (texts === null) return { events: [], overflowed: true };
    const events: PositionedEvent[] = [];
    for (let at = 0; at < texts.length; at += 3) {
      const [id = "", json = "", cursor = ""] = texts.slice(at, at + 3);
      events.push(new PositionedEvent(id, json, cursor));
    }
    return { events, overflowed: false };
  }

  writeCorked(cork: number, text: string, cursor: string, events: number): number {
    return this.#native.writeCorked(cork, text, cursor, events);
  }

  waitingCorked(cork: number): number {
    return this.#native.waitingCorked(cork);
  }

  uncork(cork: number): void {
    this.#native.uncork(cork);
  }

  endCorked(cork: number, reason: CloseReason): void {
    this.#native.endCorked(cork, this.#reasons.indexOf(reason));
  }

  async drain({ perSecond, deadlineMs }: DrainOptions): Promise<void> {
    this.#native.startDraining();
    const reason = this.#reasons.indexOf("drain");
    const deadline = performance.now() + deadlineMs;
    while (this.size > 0) {
      const share = performance.now() < deadline ? Math.ceil((perSecond * DRAIN_STEP_MS) / 1000) : this.size;
      this.#native.finishSome(share, reason);
      await wait(DRAIN_STEP_MS);
    }
    while (this.#figure("ending") > 0) await wait(DRAIN_STEP_MS); // the pool's own limit bounds this
    clearInterval(this.#giver);
    this.#look();
    this.#native.close();
  }

  #tellEnds(names: readonly UserId[], usersOf: Uint8Array, reasons: Uint8Array): void {
    let at = 0;
    for (const [stream, count] of usersOf.entries()) {
      const reason = this.#reasons[reasons[stream] as number] as CloseReason;
      this.#onEnd(names.slice(at, at + count), reason);
      at += count;
    }
  }

  #figure(name: string): number {
    this.#look();
    return this.#at(name);
  }

  /** Reads the figures; those of a closed pool keep their last values. */
  #look(): void {
    this.#native.figures(this.#figures);
  }

  #at(name: string): number {
    return this.#figures[this.#places.get(name) ?? -1] ?? 0;
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
