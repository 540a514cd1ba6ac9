// Bounds how far the expander runs ahead of the edges. Events are sent in windows; before a third window
// begins, every edge must have handled the first. Events that the edges cannot accept yet wait in this
// process, where they are bounded and counted, and not in the NATS server, which would disconnect the edge as
// a slow consumer.

import type { BrokerClient } from "../../broker/index.ts";
import type { EdgeRegistry } from "../presence/edge-registry.ts";
import type { EdgeRequests } from "../presence/edge-requests.ts";
import type { Distributor } from "./distributor.ts";
import type { DeliveryCost } from "./event.ts";

/** The capacity of one window. */
export interface WindowSize {
  readonly messages: number;
  /** Multiplied by the number of edges; applies if the product exceeds `messages`. */
  readonly messagesPerEdge: number;
  readonly bytes: number;
}

/** A few tenths of a second of an edge's work; more in total if there are several edges. */
const WINDOW: WindowSize = { messages: 16_384, messagesPerEdge: 4_096, bytes: 8_388_608 };
/** For events with many recipients. Other events wait for at most two such windows, a few milliseconds. */
export const NARROW_WINDOW: WindowSize = { messages: 2_048, messagesPerEdge: 0, bytes: 1_048_576 };
/** The fan-out stops waiting for an edge that takes longer to handle a window … */
const PATIENCE_MS = 1_000;
/** … and ignores it for this long, so that an edge that hangs slows the others down by at most a fifth. */
const IGNORE_MS = 5_000;

export interface WindowOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly requests: EdgeRequests;
  readonly distributor: Pick<Distributor, "flush">;
  /**
   * The fraction of all partitions that this service owns. Several services together keep to the limit of
   * one.
   */
  readonly share?: number;
  readonly size?: WindowSize;
}

export class Window {
  readonly #options: WindowOptions;
  readonly #size: WindowSize;
  readonly #share: number;
  /** Edges that are ignored, and until when. */
  readonly #ignored = new Map<string, number>();
  #messages = 0;
  #bytes = 0;
  #previous: Promise<void> = Promise.resolve();
  /** Times that the fan-out stopped waiting for an edge. */
  laggards = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#size = options.size ?? WINDOW;
    this.#share = options.share ?? 1;
  }

  /** Adds the cost of what was sent. Returns true if the window is full and `next` must be awaited. */
  advance({ messages, bytes }: DeliveryCost): boolean {
    this.#messages += messages;
    this.#bytes += bytes;
    const edges = this.#options.registry.size;
    const max = this.#share * Math.max(this.#size.messages, this.#size.messagesPerEdge * edges);
    return this.#messages >= max || this.#bytes >= this.#share * this.#size.bytes;
  }

  /**
   * Sends waiting frames and begins a window once the one before the last has been handled. Does not wait
   * while NATS is away: edges then catch up.
   */
  async next(): Promise<void> {
    this.#messages = 0;
    this.#bytes = 0;
    this.#options.distributor.flush();
    const last = this.#previous;
    this.#previous = this.#handled();
    await last;
  }

  /** Resolves when the server and every edge have handled all that was published before. */
  async #handled(): Promise<void> {
    const { client, registry, requests } = this.#options;
    const now = performance.now();
    for (const [edge, until] of this.#ignored) if (until <= now) this.#ignored.delete(edge);
    const asked = registry.alive(now).filter((edge) => !this.#ignored.has(edge));
    const late = requests.ask(asked, { type: "mark" }, PATIENCE_MS, () => true);
    await client.flush().catch(() => {});
    for (const edge of await late) {
      this.laggards += 1;
      this.#ignored.set(edge, performance.now() + IGNORE_MS);
    }
  }
}
