// Asks the owners of partitions for what returning readers missed. All requests of one turn of the event loop
// to one owner travel together. Owned by the assembled edge; the streams at their seams bound what is
// outstanding.

import { replaySubject } from "../../broker/contract.ts";
import {
  type BrokerClient,
  encodeReplayRequest,
  MAX_REPLAYS,
  type ReplayItem,
  type ReplayPage,
} from "../../broker/index.ts";
import type { Progress } from "../fanout/progress.ts";

/** The stream that waits for a page. */
export interface Asker {
  /** Receives a page of a user's events in a partition. */
  receive(partition: number, user: string, page: ReplayPage): void;
}

interface Outstanding {
  readonly asker: Asker;
  readonly partition: number;
  readonly item: ReplayItem;
}

export interface ReplayRequestsOptions {
  readonly client: BrokerClient;
  readonly edgeId: string;
  /** Returns the present epoch of this edge's presence. */
  readonly presenceEpoch: () => number;
  readonly progress: Progress;
}

export class ReplayRequests {
  readonly #options: ReplayRequestsOptions;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #queued = new Map<number, ReplayItem[]>();
  #flushing: ReturnType<typeof setImmediate> | undefined;
  #last = 0;

  constructor(options: ReplayRequestsOptions) {
    this.#options = options;
    options.progress.on("in-step", () => this.#repeat());
  }

  ask(asker: Asker, partition: number, gap: Omit<ReplayItem, "request">): void {
    this.#last += 1;
    const item = { ...gap, request: this.#last };
    this.#outstanding.set(item.request, { asker, partition, item });
    this.#queue(partition, item);
  }

  /** Passes a page on to the stream that waits for it; a late or repeated one is dropped. */
  receive(page: ReplayPage): void {
    const { asker, partition, item } = this.#outstanding.get(page.request) ?? {};
    this.#outstanding.delete(page.request);
    if (asker !== undefined && partition !== undefined && item !== undefined)
      asker.receive(partition, item.user, page);
  }

  /** Repeats every request, because owners ignore those of an earlier presence epoch. */
  #repeat(): void {
    for (const { partition, item } of this.#outstanding.values()) this.#queue(partition, item);
  }

  /** Forgets the requests of a stream that has ended. */
  forget(asker: Asker): void {
    for (const [request, outstanding] of this.#outstanding)
      if (outstanding.asker === asker) this.#outstanding.delete(request);
  }

  #queue(partition: number, item: ReplayItem): void {
    const queued = this.#queued.get(partition) ?? [];
    this.#queued.set(partition, queued);
    queued.push(item);
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    const { client, edgeId, presenceEpoch } = this.#options;
    this.#flushing = undefined;
    for (const [partition, queued] of this.#queued) {
      for (let at = 0; at < queued.length; at += MAX_REPLAYS) {
        const items = queued.slice(at, at + MAX_REPLAYS);
        const request = encodeReplayRequest({ edge: edgeId, presenceEpoch: presenceEpoch(), items });
        client.publish(replaySubject(partition), request);
      }
    }
    this.#queued.clear();
  }
}
