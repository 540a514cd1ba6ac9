// Sends this edge's messages to the graph: beats, deltas of the presence log, and the goodbye. Changes are
// batched, so that users who arrive together share a delta. Owned by one Presence; it has one timer.

import { presenceSubject } from "../../broker/contract.ts";
import {
  type BrokerClient,
  encodePresence,
  type FanoutMode,
  type PresenceMessage,
} from "../../broker/index.ts";
import type { Progress } from "../fanout/progress.ts";
import type { PresenceLog } from "./presence-log.ts";

/** Time for which a change waits for others, in milliseconds. */
const GATHER_MS = 5;
/**
 * Minimum time between two deltas. A delta costs edge, broker and graph as much as several streams'
 * handshakes.
 */
const APART_MS = 50;

export interface AnnouncerOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly mode: FanoutMode;
  readonly log: PresenceLog;
  /** Its positions begin each epoch. */
  readonly progress: Pick<Progress, "told">;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #sentAtMs = 0;
  #stopped = false;
  /**
   * True while the graph is away: deltas would only pile up, and the graph requests all users when it
   * returns.
   */
  isPaused = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Sends the log's changes soon. */
  announce(): void {
    if (this.#gathering !== undefined) return;
    const waitMs = Math.max(GATHER_MS, this.#sentAtMs + APART_MS - performance.now());
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      this.#sentAtMs = performance.now();
      this.flush();
    }, waitMs);
  }

  /** Sends the log's changes now. While NATS or the graph is away, they stay in the log. */
  flush(): void {
    const { client, log, mode, progress } = this.#options;
    if (!client.connected || this.isPaused || this.#stopped) return;
    const { epoch } = log;
    const { maxPayload } = client;
    for (let delta = log.take(maxPayload); delta !== undefined; delta = log.take(maxPayload))
      this.#send({
        type: "delta",
        mode,
        epoch,
        ...delta,
        ...(delta.sequence === 1 && { positions: progress.told() }),
      });
  }

  beat(): void {
    const { log, mode } = this.#options;
    this.#send({ type: "beat", mode, epoch: log.epoch, sequence: log.sequence });
  }

  /**
   * Tells the graph that this edge leaves, so that the graph does not wait for it, and sends nothing more.
   */
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
