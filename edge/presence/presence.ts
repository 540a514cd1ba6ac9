// This edge's side of the presence protocol (broker/presence.ts): it beats, announces its users where the fan-out mode
// needs them, follows the graph's orders, and knows whether the graph is there. It begins a new epoch whenever a graph
// service does not know this edge or something between them was lost, and readers are told so once all services are in
// step again. Bounded by what it owns: the log by the users' handles, the owners by the partitions.

import {
  BEAT_MS,
  type BrokerClient,
  type EdgeOrder,
  type FanoutMode,
  type Owner,
  type UnknownVersion,
} from "../../broker/index.ts";
import { Announcer } from "./announcer.ts";
import { Losses } from "./losses.ts";
import { Owners } from "./owners.ts";
import { PendingJoins } from "./pending-joins.ts";
import type { PresenceLog } from "./presence-log.ts";

/** Beats without an acknowledgement after which the graph is away. */
const MAX_UNANSWERED = 2;
/** In `subject` mode readers are told that NATS was away when the graph is back as well, or after this. */
const LOSS_PATIENCE_MS = 2_000;

/** An order about presence; the others are the inbox's own. */
export type PresenceOrder = Exclude<EdgeOrder, { type: "mark" | "tally" }> | UnknownVersion;

export interface PresenceOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly mode: FanoutMode;
  /** Who is here; stays empty in `subject` mode. */
  readonly log: PresenceLog;
  /** Something may be missing on every stream. */
  readonly onLoss: (reason: string) => void;
  /** A graph service speaks another version of this protocol. Called once for each such version. */
  readonly onOtherVersion: (version: number) => void;
  /** The graph came or went. */
  readonly onGraph: () => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #announcer: Announcer;
  readonly #pending: PendingJoins;
  readonly #losses: Losses;
  readonly #owners = new Owners();
  readonly #otherVersions = new Set<number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #ignoreStatus: (() => void) | undefined;
  #onInStep: (() => void) | undefined;
  #graphPresent = false;
  #unanswered = 0;
  #stopped = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#announcer = new Announcer(options);
    this.#pending = new PendingJoins(options.log);
    this.#losses = new Losses(options.onLoss);
  }

  get graphPresent(): boolean {
    return this.#graphPresent;
  }

  /** Partitions whose owner does not answer, while others do. */
  get lostPartitions(): number {
    return this.#owners.lost;
  }

  /** Whether a frame's handles mean the users of this edge's log: it is of this epoch, and its owner is not lost. */
  accepts(epoch: number, partition: number): boolean {
    return epoch === this.#options.log.epoch && !this.#owners.isLost(partition);
  }

  /** Announces the users of these handles. Resolves with true once the graph has acknowledged them, false after JOIN_MS. */
  join(handles: readonly number[]): Promise<boolean> {
    const { log } = this.#options;
    for (const handle of handles) log.join(handle);
    if (handles.every((handle) => log.isCertain(handle))) return Promise.resolve(true);
    this.#announcer.announce();
    return this.#pending.add(handles);
  }

  /** Announces that the users of these handles have left; their handles are released when the graph has acknowledged. */
  leave(handles: readonly number[]): void {
    const { log } = this.#options;
    for (const handle of handles) log.leave(handle);
    if (log.hasNews) this.#announcer.announce();
  }

  /** Announces this edge; waits at most one beat for the graph's acknowledgement. The inbox must be open before. */
  async start(): Promise<void> {
    this.#ignoreStatus = this.#options.client.onStatus((connected) => this.#connectionChanged(connected));
    let patience: ReturnType<typeof setTimeout> | undefined;
    const inStep = new Promise<void>((resolve) => {
      this.#onInStep = resolve;
      patience = setTimeout(resolve, BEAT_MS);
    });
    this.#beginEpoch();
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    await inStep;
    clearTimeout(patience);
  }

  /** Idempotent. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#ignoreStatus?.();
    clearInterval(this.#timer);
    this.#losses.stop();
    this.#announcer.stop();
  }

  obey(order: PresenceOrder): void {
    switch (order.type) {
      case "unknown-version":
        return this.#noteOtherVersion(order.version);
      case "refuse":
        return this.#noteOtherVersion(order.speaks);
      case "acknowledge":
        return this.#acknowledged(order);
      case "restart":
        if (order.epoch >= this.#options.log.epoch) this.#takeOwner(order, "edge-expired", order.epoch);
        return;
      case "announce":
        if (!this.#owners.knows(order)) this.#takeOwner(order, "graph-restarted");
        return;
      case "resync":
        return this.#losses.report(order.reason);
    }
  }

  #beat(): void {
    if (!this.#options.client.connected) return;
    if (this.#unanswered >= MAX_UNANSWERED) {
      this.#announcer.isPaused = true;
      this.#setGraph(false);
    }
    this.#unanswered += 1;
    this.#announcer.beat();
    const { lost } = this.#owners;
    this.#owners.beat();
    if (this.#owners.lost !== lost) this.#settle();
  }

  /** Begins the next epoch, one after `after` if given, and sends everything that the graph must know of it. */
  #beginEpoch(after = 0): void {
    this.#announcer.isPaused = false;
    this.#owners.restart();
    this.#options.log.restart(after);
    this.#announcer.flush();
  }

  #connectionChanged(connected: boolean): void {
    if (!connected) return this.#setGraph(false);
    this.#unanswered = 0;
    this.#owners.forgive();
    this.#losses.note("nats-reconnected");
    this.#beginEpoch();
    // in subject mode users are reachable again already: their readers wait for the graph, but not if it is gone
    if (this.#options.mode === "subject") this.#losses.settleWithin(LOSS_PATIENCE_MS);
  }

  /** An owner that this edge has not known, or that does not know this edge: everything is announced again. */
  #takeOwner(owner: Owner, why: string, after = 0): void {
    this.#losses.note(this.#owners.knows(owner) ? why : "graph-restarted");
    this.#owners.take(owner);
    this.#beginEpoch(after);
  }

  #acknowledged(order: Extract<EdgeOrder, { type: "acknowledge" }>): void {
    if (order.epoch !== this.#options.log.epoch) return;
    const result = this.#owners.acknowledge(order, order.sequence);
    // two services that count partitions differently must not take turns: the known one stays, as long as it answers
    if (result === "foreign" && !this.#announcer.isPaused) return;
    this.#unanswered = 0;
    this.#announcer.isPaused = false;
    this.#setGraph(true);
    if (result !== "heard") return this.#takeOwner(order, "graph-restarted"); // its state of this edge may be old
    this.#settle();
  }

  /** The owners have acknowledged more, or fewer of them are waited for. */
  #settle(): void {
    const { log } = this.#options;
    log.isServed = this.#owners.lost === 0;
    log.acknowledge(this.#owners.acknowledged);
    this.#pending.settle();
    if (log.hasNews) this.#announcer.announce();
    if (!log.inStep) return;
    this.#onInStep?.();
    this.#losses.settle();
  }

  #noteOtherVersion(version: number): void {
    if (this.#otherVersions.has(version)) return;
    this.#otherVersions.add(version);
    this.#options.onOtherVersion(version);
  }

  #setGraph(present: boolean): void {
    if (this.#graphPresent === present) return;
    this.#graphPresent = present;
    this.#options.onGraph();
  }
}
