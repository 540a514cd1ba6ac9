// `subject` mode: proves that copies arrive. A subscription that this edge's NATS server confirmed may still
// be unknown to the server of the graph. The edge therefore subscribes to a subject of its own after all
// others, and asks the owner of every partition to publish its position there: what arrives on this subject
// has come the whole way, and so will every copy after it. Owned by the fan-out; one marker serves all joins
// of a turn.

import { copySubject, markSubject, storedUserId } from "../../broker/contract.ts";
import {
  type BrokerClient,
  encodeMarkRequest,
  MARKER_HEADER,
  type Msg,
  parseMarker,
  type Subscribed,
} from "../../broker/index.ts";
import { JOIN_MS } from "../config.ts";
import type { Floor } from "./fanout.ts";
import type { Progress } from "./progress.ts";

/** A marker that was sent before its subscription was known is lost, and requested again after this time. */
const REPEAT_MS = 100;

export interface MarkersOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly progress: Progress;
  /** JOIN_MS if undefined. */
  readonly joinMs?: number | undefined;
}

export class Markers {
  readonly #options: MarkersOptions;
  #next: Promise<Floor | undefined> | undefined;
  #last = 0;

  constructor(options: MarkersOptions) {
    this.#options = options;
  }

  /**
   * Resolves with every owner's position after which copies for all subscriptions made so far arrive, or with
   * undefined after `joinMs`.
   */
  prove(): Promise<Floor | undefined> {
    this.#next ??= Promise.resolve().then(() => {
      this.#next = undefined;
      return this.#mark();
    });
    return this.#next;
  }

  #mark(): Promise<Floor | undefined> {
    const { client, edgeId, progress, joinMs = JOIN_MS } = this.#options;
    this.#last += 1;
    // no user has this name: ids of edges are random
    const name = storedUserId(`edge-${edgeId}-${this.#last}`);
    const floor = new Map<number, number>();
    return new Promise((resolve) => {
      let subscribed: Subscribed | undefined;
      const finish = (result: Floor | undefined): void => {
        clearInterval(repeat);
        clearTimeout(late);
        subscribed?.unsubscribe();
        resolve(result);
      };
      const receive = (error: Error | null, message: Msg): void => {
        const text = error === null ? (message.headers?.get(MARKER_HEADER) ?? "") : "";
        if (text === "") return;
        const marker = parseMarker(text);
        floor.set(marker.partition, marker.sequence);
        const { of } = progress.positions;
        if (floor.size < of) return;
        finish(Array.from({ length: of }, (_, partition) => floor.get(partition) ?? 0));
      };
      const ask = (): void => {
        for (let partition = 0; partition < progress.positions.of; partition += 1) {
          if (floor.has(partition)) continue;
          const request = encodeMarkRequest({ edge: edgeId, users: [[name, this.#last]] });
          client.publish(markSubject(partition), request);
        }
      };
      const repeat = setInterval(ask, REPEAT_MS);
      const late = setTimeout(() => finish(undefined), joinMs);
      subscribed = client.subscribeBare(copySubject(name), receive);
      ask();
    });
  }
}
