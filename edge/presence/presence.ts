// This edge's end of the presence protocol (broker/presence.ts). It sends beats, announces users if the
// fan-out mode needs that, carries out the graph's orders, and detects whether the graph is present. A new
// epoch begins whenever a graph service does not know this edge or a message between them was lost. It begins
// with this edge's positions, from which the owners of the partitions continue, so readers notice nothing.
// The log is bounded by the handles, the owners by the partitions.

import {
  BEAT_MS,
  type BrokerClient,
  type EdgeOrder,
  type FanoutMode,
  type Owner,
  type UnknownVersion,
} from "../../broker/index.ts";
import type { Progress } from "../fanout/progress.ts";
import { Announcer } from "./announcer.ts";
import { Owners } from "./owners.ts";
import { PendingJoins } from "./pending-joins.ts";
import type { PresenceLog } from "./presence-log.ts";

/** Unanswered beats after which the graph is considered away. */
const MAX_UNANSWERED = 2;

/** Orders about presence; the inbox handles the others. */
export type PresenceOrder = Exclude<EdgeOrder, { type: "mark" | "tally" }> | UnknownVersion;

export interface PresenceOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly mode: FanoutMode;
  /** The users on this edge; stays empty in `subject` mode. */
  readonly log: PresenceLog;
  readonly progress: Progress;
  /** Called when the topics were divided differently, so that no position is valid any more. */
  readonly onDivided: () => void;
  /** Called once for each unsupported protocol version that a graph service uses. */
  readonly onOtherVersion: (version: number) => void;
  /** Called when the graph becomes present or absent. */
  readonly onGraph: () => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #announcer: Announcer;
  readonly #pending: PendingJoins;
  readonly #owners = new Owners();
  readonly #otherVersions = new Set<number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #ignoreStatus: (() => void) | undefined;
  #onInStep: (() => void) | undefined;
  #graphPresent = false;
  #unanswered = 0;
  #stopped = false;
  /** The last epoch in which every owner has caught up. */
  #inStepEpoch = 0;
  /** Messages about events that were lost or malformed. */
  lostMessages = 0;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#announcer = new Announcer(options);
    this.#pending = new PendingJoins(options.log);
  }

  get graphPresent(): boolean {
    return this.#graphPresent;
  }

  /** The present epoch of this edge's presence. */
  get epoch(): number {
    return this.#options.log.epoch;
  }

  /** Number of partitions whose owner is silent while others reply. */
  get lostPartitions(): number {
    return this.#owners.lost;
  }

  /**
   * Returns whether a frame's handles name the users of this edge's log: it belongs to this epoch, and its
   * owner is not lost.
   */
  accepts(epoch: number, partition: number): boolean {
    return epoch === this.#options.log.epoch && !this.#owners.isLost(partition);
  }

  /**
   * Announces the users of these handles. Resolves with true when the graph has acknowledged them, or with
   * false after JOIN_MS.
   */
  join(handles: readonly number[]): Promise<boolean> {
    const { log } = this.#options;
    for (const handle of handles) log.join(handle);
    if (handles.every((handle) => log.isCertain(handle))) return Promise.resolve(true);
    this.#announcer.announce();
    return this.#pending.add(handles);
  }

  /** Announces that the users of these handles have left. The acknowledgement releases the handles. */
  leave(handles: readonly number[]): void {
    const { log } = this.#options;
    for (const handle of handles) log.leave(handle);
    if (log.hasNews) this.#announcer.announce();
  }

  /**
   * Announces this edge and waits at most one beat for the acknowledgement. The inbox must have been started
   * before.
   */
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
        if (order.epoch >= this.#options.log.epoch) this.#takeOwner(order, order.epoch);
        return;
      case "announce":
        if (!this.#owners.knows(order)) this.#takeOwner(order);
        return;
    }
  }

  /** A message about events was lost or malformed: the owners send everything since this edge's positions. */
  reportLost(): void {
    this.lostMessages += 1;
    this.#beginEpoch();
  }

  /** Asks the owners for an acknowledgement, which carries their positions. */
  beat(): void {
    if (this.#options.client.connected) this.#announcer.beat();
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

  /** Begins the next epoch, or the one after `after` if that is later, and announces all users. */
  #beginEpoch(after = 0): void {
    this.#announcer.isPaused = false;
    this.#owners.restart();
    this.#options.log.restart(after);
    this.#options.progress.beginEpoch();
    this.#announcer.flush();
  }

  #connectionChanged(connected: boolean): void {
    if (!connected) return this.#setGraph(false);
    this.#unanswered = 0;
    this.#owners.forgive();
    this.#beginEpoch();
  }

  /** Accepts an owner that is new to this edge or does not know it: everything is announced again. */
  #takeOwner(owner: Owner, after = 0): void {
    this.#owners.take(owner);
    if (this.#options.progress.divide(owner.of)) this.#options.onDivided();
    this.#beginEpoch(after);
  }

  #acknowledged(order: Extract<EdgeOrder, { type: "acknowledge" }>): void {
    if (order.epoch !== this.#options.log.epoch) return;
    const result = this.#owners.acknowledge(order, order.sequence);
    // services that disagree on the number of partitions must not alternate: the known one stays while it
    // replies
    if (result === "foreign" && !this.#announcer.isPaused) return;
    this.#unanswered = 0;
    this.#announcer.isPaused = false;
    this.#setGraph(true);
    // its record of this edge may be outdated
    if (result !== "heard") return this.#takeOwner(order);
    const { progress } = this.#options;
    if (progress.divide(order.of)) this.#options.onDivided();
    if (!progress.acknowledge(order.positions)) return this.reportLost();
    this.#settle();
    progress.emit("move");
  }

  /** Called when owners have acknowledged more, or when the set of lost owners has changed. */
  #settle(): void {
    const { log } = this.#options;
    log.isServed = this.#owners.lost === 0;
    log.acknowledge(this.#owners.acknowledged);
    this.#pending.settle();
    if (log.hasNews) this.#announcer.announce();
    if (!log.inStep) return;
    this.#onInStep?.();
    this.#onceInStep();
  }

  #onceInStep(): void {
    const { log, progress } = this.#options;
    if (this.#inStepEpoch === log.epoch) return;
    this.#inStepEpoch = log.epoch;
    progress.emit("in-step");
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
