// Sends what this edge tells the graph: beats, the presence log's news as deltas, and the goodbye. News is gathered, so
// that users who come in the same moment travel together. Owned by one Presence; it holds one timer.

import { presenceSubject } from "../../broker/contract.ts";
import {
  type BrokerClient,
  encodePresence,
  type FanoutMode,
  type PresenceMessage,
} from "../../broker/index.ts";
import type { PresenceLog } from "./presence-log.ts";

/** News waits so long for more, in milliseconds. */
const GATHER_MS = 5;
/** Shortest time between two deltas: one costs edge, broker and graph as much as the handshakes of several streams. */
const APART_MS = 50;

export interface AnnouncerOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly mode: FanoutMode;
  readonly log: PresenceLog;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #sentAtMs = 0;
  #stopped = false;
  /** While the graph is away, deltas would only pile up: it asks for all users when it is back. */
  isPaused = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Sends the log's news soon. */
  announce(): void {
    if (this.#gathering !== undefined) return;
    const waitMs = Math.max(GATHER_MS, this.#sentAtMs + APART_MS - performance.now());
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      this.#sentAtMs = performance.now();
      this.flush();
    }, waitMs);
  }

  /** Sends the log's news now; while NATS or the graph is away it stays in the log. */
  flush(): void {
    const { client, log, mode } = this.#options;
    if (!client.connected || this.isPaused || this.#stopped) return;
    const { epoch } = log;
    const { maxPayload } = client;
    for (let delta = log.take(maxPayload); delta !== undefined; delta = log.take(maxPayload))
      this.#send({ type: "delta", mode, epoch, ...delta });
  }

  beat(): void {
    const { log, mode } = this.#options;
    this.#send({ type: "beat", mode, epoch: log.epoch, sequence: log.sequence });
  }

  /** Says goodbye, so that the graph does not wait for this edge, and sends nothing more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#gathering);
    this.#send({ type: "leaving" });
  }

  #send(message: PresenceMessage): void {
    const { client, edgeId } = this.#options;
    client.publish(presenceSubject(edgeId), encodePresence(message));
  }
}
