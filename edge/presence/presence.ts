// This edge in the eyes of the graph: says once a second that it lives and in which fan-out mode, tells who comes and
// goes where that mode wants it, obeys orders, and knows whether the graph is there. Begins a new epoch whenever one of
// the graph's services does not know us or something between us was lost, and tells readers so once all are in step again.

import { EVERY_EDGE, edgeSubject, presenceSubject } from "../../broker/contract.ts";
import {
  BEAT_MS,
  type BrokerClient,
  type EdgeOrder,
  encodePresence,
  type FanoutMode,
  type Msg,
  type Owner,
  type PresenceMessage,
  parseOrder,
  type Subscribed,
  type UnknownVersion,
} from "../../broker/index.ts";
import { Throttle } from "../../lib/throttle.ts";
import { Owners } from "./owners.ts";
import type { PresenceLog } from "./presence-log.ts";
import type { EventTallies } from "./tallies.ts";

/** Beats without an answer after which the graph is away. */
const MAX_UNANSWERED = 2;
/** News wait so long for more, in milliseconds: who comes in the same moment travels together. */
const GATHER_MS = 5;
/** Deltas are so far apart, or further: one costs edge, broker and graph as much as the handshakes of several streams. */
const APART_MS = 50;
/** Readers are told of the graph's losses at most this often: each of several services may tell of the same. */
const RESYNC_EVERY_MS = 1_000;
/** In `subject` mode readers are told that NATS was away when the graph is back as well, or after this. */
const LOSS_PATIENCE_MS = 2_000;
const BRACE = "{".charCodeAt(0);

export interface PresenceOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly mode: FanoutMode;
  /** Who is here; stays empty in `subject` mode. */
  readonly presenceLog: PresenceLog;
  readonly tallies: EventTallies;
  /** Copies of events, as the graph sends them to this edge in `frames` mode. */
  readonly onCopies: (bytes: Uint8Array) => void;
  /** The graph has acknowledged more: all of its services have. */
  readonly onAcknowledged: () => void;
  /** Something may be missing on every stream. */
  readonly onLoss: (reason: string) => void;
  /** A graph service speaks another version of this protocol. Called once for each such version. */
  readonly onOtherVersion: (version: number) => void;
  /** The graph came or went. */
  readonly onGraph: (present: boolean) => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #subscriptions: Subscribed[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #toldAtMs = 0;
  readonly #owners = new Owners();
  #graphPresent = false;
  /** Nobody answers: news would only pile up, and whoever comes back asks for everybody. */
  #silent = false;
  #unanswered = 0;
  /** What readers are told once we are in step again. */
  #loss: string | undefined;
  readonly #graphLosses: Throttle<string>;
  #lossTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #otherVersions = new Set<number>();
  #stopped = false;
  #heard: (() => void) | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#graphLosses = new Throttle(RESYNC_EVERY_MS, options.onLoss);
  }

  get graphPresent(): boolean {
    return this.#graphPresent;
  }

  /** Partitions whose owner does not answer, while others do. */
  get lostPartitions(): number {
    return this.#owners.lost;
  }

  /** Whether copies by handle may be taken from a partition's owner. */
  takesFrom(partition: number): boolean {
    return !this.#owners.isLost(partition);
  }

  /** Listens for what the graph says and announces this edge; waits a beat for the answer, not longer. */
  async start(): Promise<void> {
    const { client, edgeId } = this.#options;
    for (const subject of [edgeSubject(edgeId), EVERY_EDGE]) {
      this.#subscriptions.push(client.subscribe(subject, (message) => this.#receive(message)));
    }
    client.onStatus((connected) => this.#connectionChanged(connected));
    let patience: ReturnType<typeof setTimeout> | undefined;
    const answered = new Promise<void>((resolve) => {
      this.#heard = resolve;
      patience = setTimeout(resolve, BEAT_MS);
    });
    this.#restart(undefined);
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    await answered;
    clearTimeout(patience);
  }

  /** Says goodbye, so that nobody waits for this edge. Idempotent. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#timer);
    clearTimeout(this.#gathering);
    clearTimeout(this.#lossTimer);
    this.#graphLosses.stop();
    this.#say({ type: "leaving" });
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** The presenceLog has news for the graph. */
  announce(): void {
    if (this.#gathering !== undefined) return;
    const waitMs = Math.max(GATHER_MS, this.#toldAtMs + APART_MS - performance.now());
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      this.#toldAtMs = performance.now();
      this.#tell();
    }, waitMs);
  }

  #tell(): void {
    const { client, presenceLog, mode } = this.#options;
    // told with everything else when the connection, or the graph, is back
    if (!client.connected || this.#silent || this.#stopped) return;
    const { epoch } = presenceLog;
    const { maxPayload } = client;
    for (
      let delta = presenceLog.take(maxPayload);
      delta !== undefined;
      delta = presenceLog.take(maxPayload)
    ) {
      this.#say({ type: "delta", mode, epoch, ...delta });
    }
  }

  #beat(): void {
    const { client, presenceLog, mode } = this.#options;
    if (!client.connected) return;
    if (this.#unanswered >= MAX_UNANSWERED) {
      this.#silent = true;
      this.#setGraph(false);
    }
    this.#unanswered += 1;
    this.#say({ type: "beat", mode, epoch: presenceLog.epoch, sequence: presenceLog.sequence });
    const { lost } = this.#owners;
    this.#owners.beat();
    if (this.#owners.lost !== lost) this.#settle();
  }

  #restart(loss: string | undefined, after = 0): void {
    this.#loss ??= loss; // the first cause explains what follows from it
    this.#silent = false;
    this.#owners.restart();
    this.#options.presenceLog.restart(after);
    this.#tell();
  }

  #connectionChanged(connected: boolean): void {
    if (this.#stopped) return;
    if (!connected) return this.#setGraph(false);
    this.#unanswered = 0;
    this.#owners.forgive();
    this.#restart("nats-reconnected");
    if (this.#options.mode !== "subject") return;
    // our users are subscribed again by themselves: their readers wait for the graph's loss, but not for a graph that is gone
    clearTimeout(this.#lossTimer);
    this.#lossTimer = setTimeout(() => this.#tellLoss(), LOSS_PATIENCE_MS);
  }

  #receive(message: Msg): void {
    if (message.data[0] === BRACE) this.#obey(parseOrder(message.data), message);
    else this.#options.onCopies(message.data);
  }

  #obey(order: EdgeOrder | UnknownVersion, message: Msg): void {
    const { client, tallies } = this.#options;
    switch (order.type) {
      case "unknown-version":
        return this.#notServed(order.version);
      case "refuse":
        return this.#notServed(order.speaks);
      case "acknowledge":
        return this.#acknowledged(order);
      case "restart":
        if (order.epoch >= this.#options.presenceLog.epoch)
          this.#beginAnew(order, "edge-expired", order.epoch);
        return;
      case "announce":
        if (!this.#owners.knows(order)) this.#beginAnew(order, "graph-restarted");
        return;
      case "resync":
        // what is still to be told covers this too, so a restart of NATS, which both of us lost, is told once
        return this.#loss === undefined ? this.#graphLosses.call(order.reason) : undefined;
      case "mark":
        client.respond(message);
        return;
      case "tally":
        for (const part of tallies.take(order.event, client.maxPayload))
          client.respond(message, JSON.stringify(part));
    }
  }

  #beginAnew(owner: Owner, why: string, after = 0): void {
    const reason = this.#owners.knows(owner) ? why : "graph-restarted";
    this.#owners.take(owner);
    this.#restart(reason, after);
  }

  #notServed(version: number): void {
    if (this.#otherVersions.has(version)) return;
    this.#otherVersions.add(version);
    this.#options.onOtherVersion(version);
  }

  #acknowledged(order: Extract<EdgeOrder, { type: "acknowledge" }>): void {
    if (order.epoch !== this.#options.presenceLog.epoch) return;
    const answer = this.#owners.acknowledge(order, order.sequence);
    // two services that count differently must not take turns: whom we know goes on, as long as they answer
    if (answer === "foreign" && !this.#silent) return;
    this.#unanswered = 0;
    this.#silent = false;
    this.#setGraph(true);
    if (answer !== "heard") return this.#beginAnew(order, "graph-restarted"); // what it knows of us may be old
    this.#settle();
  }

  /** The owners have heard more, or wait for fewer. */
  #settle(): void {
    const { presenceLog, onAcknowledged } = this.#options;
    presenceLog.isServed = this.#owners.lost === 0;
    presenceLog.acknowledge(this.#owners.acknowledged);
    if (presenceLog.inStep) this.#heard?.();
    onAcknowledged();
    if (presenceLog.hasNews) this.announce();
    if (presenceLog.inStep) this.#tellLoss();
  }

  #tellLoss(): void {
    const loss = this.#loss;
    this.#loss = undefined;
    if (loss !== undefined) this.#options.onLoss(loss);
  }

  #setGraph(present: boolean): void {
    if (this.#graphPresent === present) return;
    this.#graphPresent = present;
    this.#options.onGraph(present);
  }

  #say(what: PresenceMessage): void {
    const { client, edgeId } = this.#options;
    client.publish(presenceSubject(edgeId), encodePresence(what));
  }
}
