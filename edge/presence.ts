// This edge's side of presence: it announces itself every beat, learns from the answers whether the graph is there,
// and takes the graph's orders. When the graph was away and is back, or started anew, events may have passed without
// anyone to expand them, so every stream is told.

import { EVERY_EDGE, edgeSubject, presenceSubject } from "../broker/contract.ts";
import {
  BEAT_MS,
  type BrokerClient,
  type FanoutMode,
  type Msg,
  parseAcknowledgement,
  parseOrder,
  type Subscribed,
} from "../broker/index.ts";
import type { EventTallies } from "./fanout/tallies.ts";

export interface PresenceOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly mode: FanoutMode;
  readonly tallies: EventTallies;
  /** Readers may have missed something. */
  readonly onLoss: (reason: string) => void;
  /** The graph came or went. */
  readonly onGraph: (present: boolean) => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #subscriptions: Subscribed[] = [];
  #timer: NodeJS.Timeout | undefined;
  #beating = false;
  #stopped = false;
  #epoch: number | undefined;
  #graphPresent = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  get graphPresent(): boolean {
    return this.#graphPresent;
  }

  async start(): Promise<void> {
    const { client, edgeId } = this.#options;
    for (const subject of [edgeSubject(edgeId), EVERY_EDGE]) {
      this.#subscriptions.push(client.subscribe(subject, (message) => this.#obey(message)));
    }
    client.onStatus((connected) => {
      if (connected) void this.#beat();
      else this.#setGraph(false);
    });
    await this.#beat();
    this.#timer = setInterval(() => void this.#beat(), BEAT_MS);
  }

  /** Says goodbye, so that nobody waits for this edge. Idempotent. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#timer);
    const { client, edgeId, mode } = this.#options;
    client.publish(presenceSubject(edgeId), JSON.stringify({ edge: edgeId, mode, leaving: true }));
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  async #beat(): Promise<void> {
    const { client, edgeId, mode } = this.#options;
    if (this.#beating || this.#stopped || !client.connected) return;
    this.#beating = true;
    try {
      const reply = await client.request(
        presenceSubject(edgeId),
        JSON.stringify({ edge: edgeId, mode }),
        BEAT_MS,
      );
      this.#heardFrom(parseAcknowledgement(reply.data).epoch);
    } catch {
      this.#setGraph(false); // no graph, or none in time: /readyz says so, the next beat asks again
    } finally {
      this.#beating = false;
    }
  }

  #heardFrom(epoch: number): void {
    const restarted = this.#epoch !== undefined && this.#epoch !== epoch;
    this.#epoch = epoch;
    this.#setGraph(true);
    if (restarted) this.#options.onLoss("graph-restarted");
  }

  #setGraph(present: boolean): void {
    if (this.#graphPresent === present) return;
    this.#graphPresent = present;
    this.#options.onGraph(present);
  }

  #obey(message: Msg): void {
    const order = parseOrder(message.data);
    if (order.type === "announce") void this.#beat();
    else if (order.type === "resync") this.#options.onLoss(order.reason);
    else if (order.type === "mark") message.respond();
    else for (const part of this.#options.tallies.take(order.event)) message.respond(JSON.stringify(part));
  }
}
