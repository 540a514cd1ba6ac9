// Serves the replays that edges request for returning readers. Requests wait in a queue and are served in
// turns of the event loop: at most 64 requests, 256 KiB or 2 ms per turn, and at most a tenth of the time
// while events wait for their fan-out, so that a storm of returning readers does not delay live events. Pages
// are sent only as fast as NATS takes them. The queue is bounded; a request beyond that is dropped, and its
// edge ends the stream after some seconds, so that the reader returns later. Owned by the graph service.

import { FRAME_KIND, RESYNC_REASONS, type ResyncReason } from "../../broker/contract.ts";
import {
  type BrokerClient,
  encodeReplayPage,
  type Msg,
  parseReplayRequest,
  type ReplayItem,
  type ReplayRequest,
} from "../../broker/index.ts";
import { messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Begun } from "../fanout/begun.ts";
import type { EdgeMessages } from "../fanout/edge-messages.ts";
import type { GraphStore } from "../graph-store.ts";
import type { History } from "../history/history.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { OnlineTable } from "../presence/online-table.ts";
import { PAGE_BYTES, type Page, type PageReader } from "./page-reader.ts";
import { positionFor } from "./position-for.ts";

const MAX_WAITING = 100_000;
const MAX_PER_TURN = 64;
const MAX_TURN_MS = 2;
/** A turn that took long because the machine is busy does not make replays pause for longer. */
const MAX_PAUSE_MS = 100;
/** While events wait for their fan-out, replays pause for this many times the time that they took. */
const PAUSE_RATIO = 10;

/** Reasons for which nothing is replayed. */
const REFUSALS: ReadonlySet<ResyncReason> = new Set(["too-old", "too-many", "unknown-cursor"]);

export interface ReplaysOptions {
  readonly client: Pick<BrokerClient, "flush">;
  readonly registry: Pick<EdgeRegistry, "get">;
  readonly online: Pick<OnlineTable, "firstOf" | "next" | "slot">;
  readonly store: Pick<GraphStore, "readable">;
  readonly history: Pick<History, "readable">;
  readonly messages: Pick<EdgeMessages, "tell">;
  readonly begun: Pick<Begun, "at">;
  readonly pages: Pick<PageReader, "read">;
  /** Reports whether events wait for their fan-out. */
  readonly isBusy: () => boolean;
  readonly log: Logger;
}

/** One request that waits. */
interface Waiting {
  readonly edge: string;
  readonly presenceEpoch: number;
  readonly partition: number;
  readonly item: ReplayItem;
}

export class Replays {
  readonly #options: ReplaysOptions;
  #queue: Waiting[] = [];
  /** The index of the next request in the queue. */
  #next = 0;
  #unflushedBytes = 0;
  #running: Promise<void> | undefined;
  #isStopped = false;
  readonly counts: {
    /** Pages that end a gap. */
    complete: number;
    /** Pages that are not the last of their gap. */
    continued: number;
    /** Gaps of which the history cannot tell everything: see `holes`. */
    refused: number;
    /** Requests of edges that are unknown, have begun another presence epoch, or no longer have the user. */
    outdated: number;
    /** Requests beyond the maximum that may wait. */
    dropped: number;
    /** Requests that could not be served, because the graph or the history could not be read. */
    failed: number;
    /** Malformed messages. */
    rejected: number;
  } = { complete: 0, continued: 0, refused: 0, outdated: 0, dropped: 0, failed: 0, rejected: 0 };
  /** Pages that reported a hole, by its reason. */
  readonly holes: Record<ResyncReason, number> = Object.fromEntries(
    RESYNC_REASONS.map((reason) => [reason, 0]),
  ) as Record<ResyncReason, number>;
  /** Events sent. */
  events = 0;
  /** Time spent, in milliseconds. */
  spentMs = 0;

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  /** The number of requests that wait. */
  get waiting(): number {
    return this.#queue.length - this.#next;
  }

  /** Accepts one message on a partition's replay subject. */
  receive(partition: number, message: Msg): void {
    let request: ReplayRequest;
    try {
      request = parseReplayRequest(message.data);
    } catch (error) {
      this.counts.rejected += 1;
      this.#options.log.warn({ reason: messageOf(error) }, "malformed replay request");
      return;
    }
    const { edge, presenceEpoch, items } = request;
    const accepted = items.slice(0, Math.max(0, MAX_WAITING - this.waiting));
    this.counts.dropped += items.length - accepted.length;
    for (const item of accepted) this.#queue.push({ edge, presenceEpoch, partition, item });
    if (!this.#isStopped) this.#running ??= this.#run().finally(() => this.#afterRun());
  }

  /** Forgets what waits. Resolves when nothing is being served. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#queue = [];
    this.#next = 0;
    await this.#running;
  }

  #afterRun(): void {
    this.#running = undefined;
  }

  async #run(): Promise<void> {
    const { client, store, history, isBusy } = this.#options;
    await new Promise(setImmediate); // messages that have arrived with this one are received first
    while (this.waiting > 0) {
      while (store.readable !== undefined || history.readable !== undefined)
        await Promise.all([store.readable, history.readable]);
      const tookMs = this.#serveTurn();
      this.spentMs += tookMs;
      if (this.#unflushedBytes >= PAGE_BYTES) {
        this.#unflushedBytes = 0;
        await client.flush().catch(() => {}); // while NATS is away, the edges' presence ends, too
      }
      if (isBusy())
        await new Promise((resolve) => setTimeout(resolve, Math.min(MAX_PAUSE_MS, tookMs * PAUSE_RATIO)));
      else await new Promise(setImmediate);
    }
  }

  /** Serves requests for one turn and returns the time that it took, in milliseconds. */
  #serveTurn(): number {
    const startedMs = performance.now();
    let bytes = 0;
    let tookMs = 0;
    for (let served = 0; served < MAX_PER_TURN && bytes < PAGE_BYTES && tookMs < MAX_TURN_MS; served += 1) {
      const waiting = this.#queue[this.#next];
      if (waiting === undefined) break;
      this.#next += 1;
      bytes += this.#serve(waiting);
      tookMs = performance.now() - startedMs;
    }
    if (this.#next * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
    this.#unflushedBytes += bytes;
    return tookMs;
  }

  /** Serves one request and returns the size of what was sent. */
  #serve({ edge: id, presenceEpoch, partition, item }: Waiting): number {
    const { registry, pages, messages, begun, log } = this.#options;
    const edge = registry.get(id);
    if (edge === undefined || edge.presence.epoch !== presenceEpoch || !this.#has(edge, item.user)) {
      this.counts.outdated += 1;
      return 0;
    }
    try {
      const page = pages.read(partition, item);
      const body = encodeReplayPage(page.head, page.events);
      messages.tell(edge, partition, FRAME_KIND.replayed, body, positionFor(edge, begun.at(partition)));
      this.#count(page);
      return body.length;
    } catch (error) {
      this.counts.failed += 1;
      log.error({ err: error, partition }, "replay failed");
      return 0;
    }
  }

  /** Reports whether an edge has a user. An edge in `subject` mode does not announce its users. */
  #has({ presence, slot }: EdgeLink, user: string): boolean {
    if (presence.mode === "subject") return true;
    const { online } = this.#options;
    for (let entry = online.firstOf(user); entry !== -1; entry = online.next(entry))
      if (online.slot(entry) === slot) return true;
    return false;
  }

  #count({ head, events }: Page): void {
    this.events += events.length;
    if (head.hole !== undefined) this.holes[head.hole.reason] += 1;
    if (!head.last) this.counts.continued += 1;
    else if (head.hole !== undefined && REFUSALS.has(head.hole.reason)) this.counts.refused += 1;
    else this.counts.complete += 1;
  }
}
