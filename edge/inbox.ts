// Receives everything that the graph sends to this edge, on `edge.<id>` and `edge.all`, and routes it: orders
// to presence, copies of events to the fan-out, requests about counted events to the tallies. Owned by the
// assembled edge; it keeps only replies that have to wait.

import { EVERY_EDGE, edgeSubject } from "../broker/contract.ts";
import { type BrokerClient, type Msg, parseOrder, type Subscribed } from "../broker/index.ts";
import type { Progress } from "./fanout/progress.ts";
import type { Presence } from "./presence/presence.ts";
import type { EventTallies } from "./presence/tallies.ts";

/** The first byte of every order, which is JSON, and of no frame (FRAME_KIND). */
const BRACE = "{".charCodeAt(0);

/** Maximum number of replies that wait; the requester waits for a fraction of a second only. */
const MAX_WAITING = 1_024;

export interface InboxOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly presence: Pick<Presence, "obey">;
  readonly tallies: EventTallies;
  readonly progress: Pick<Progress, "isHeld" | "on">;
  /** Receives everything about events. */
  readonly frames: { receive(bytes: Uint8Array): void };
}

export class Inbox {
  readonly #options: InboxOptions;
  #subscriptions: readonly Subscribed[] = [];
  /** Replies to requests about counted events, which are delivered only when positions may move again. */
  readonly #waiting: (() => void)[] = [];

  constructor(options: InboxOptions) {
    this.#options = options;
    options.progress.on("released", () => {
      for (const reply of this.#waiting.splice(0)) reply();
    });
  }

  start(): void {
    const { client, edgeId } = this.#options;
    this.#subscriptions = [edgeSubject(edgeId), EVERY_EDGE].map((subject) =>
      client.subscribe(subject, (message) => this.#receive(message)),
    );
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** @throws BrokerError BAD_EVENT for a malformed order; the client logs it */
  #receive(message: Msg): void {
    const { client, presence, tallies, frames, progress } = this.#options;
    if (message.data[0] !== BRACE) return frames.receive(message.data);
    const order = parseOrder(message.data);
    // everything that arrived before it has been handled
    if (order.type === "mark") return client.respond(message);
    if (order.type !== "tally") return presence.obey(order);
    const reply = (): void => {
      for (const part of tallies.take(order.event, client.maxPayload))
        client.respond(message, JSON.stringify(part));
    };
    if (progress.isHeld && this.#waiting.length < MAX_WAITING) this.#waiting.push(reply);
    else reply();
  }
}
