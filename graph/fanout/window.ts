// How far the expander may run ahead of those who deliver. OutgoingEvent go out in windows; before a third begins, the first
// must have been handled by every edge. What the edges cannot take yet waits here, where it is bounded and counted,
// and not in the NATS server, which would cut the edge as a slow consumer.

import type { BrokerClient } from "../../broker/index.ts";
import type { EdgeRegistry } from "../presence/edge-registry.ts";
import type { EdgeRequests } from "../presence/edge-requests.ts";
import type { Distributor } from "./distributor.ts";
import type { DeliveryCost } from "./event.ts";

/** What one window holds. */
export interface WindowSize {
  readonly messages: number;
  /** With more edges more, where that is more. */
  readonly messagesPerEdge: number;
  readonly bytes: number;
}

/** Some tenths of a second of an edge's work, on machines with several edges more. */
const WINDOW: WindowSize = { messages: 16_384, messagesPerEdge: 4_096, bytes: 8_388_608 };
/** For events with many recipients: what others publish meanwhile waits behind two of these, some milliseconds. */
export const NARROW_WINDOW: WindowSize = { messages: 2_048, messagesPerEdge: 0, bytes: 1_048_576 };
/** An edge that takes longer for a window is not waited for … */
const PATIENCE_MS = 1_000;
/** … for so long: one that hangs slows the others by a fifth at most. */
const IGNORE_MS = 5_000;

export interface WindowOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly requests: EdgeRequests;
  readonly distributor: Pick<Distributor, "flush">;
  /** Of all events, how many are ours: several services together stay in the bound of one. */
  readonly share?: number;
  readonly size?: WindowSize;
}

export class Window {
  readonly #options: WindowOptions;
  readonly #size: WindowSize;
  readonly #share: number;
  /** Edges not waited for, and until when. */
  readonly #ignored = new Map<string, number>();
  #messages = 0;
  #bytes = 0;
  #previous: Promise<void> = Promise.resolve();
  /** Times that an edge was too slow to be waited for. */
  laggards = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#size = options.size ?? WINDOW;
    this.#share = options.share ?? 1;
  }

  /** Counts what was handed over; true when the window is full and `next` must be awaited. */
  advance({ messages, bytes }: DeliveryCost): boolean {
    this.#messages += messages;
    this.#bytes += bytes;
    const edges = this.#options.registry.size;
    const max = this.#share * Math.max(this.#size.messages, this.#size.messagesPerEdge * edges);
    return this.#messages >= max || this.#bytes >= this.#share * this.#size.bytes;
  }

  /** Sends what waits for a tick, and begins a new window once the one before the last was handled. @throws BrokerError NATS_DISCONNECTED */
  async next(): Promise<void> {
    this.#messages = 0;
    this.#bytes = 0;
    this.#options.distributor.flush();
    const last = this.#previous;
    this.#previous = this.#handled();
    this.#previous.catch(() => {}); // thrown to whoever waits for it next
    await last;
  }

  /** Resolves when the server and every edge have handled what was published before. */
  async #handled(): Promise<void> {
    const { client, registry, requests } = this.#options;
    const now = performance.now();
    for (const [edge, until] of this.#ignored) if (until <= now) this.#ignored.delete(edge);
    const asked = registry.alive(now).filter((edge) => !this.#ignored.has(edge));
    const late = requests.ask(asked, { type: "mark" }, PATIENCE_MS, () => true);
    await client.flush();
    for (const edge of await late) {
      this.laggards += 1;
      this.#ignored.set(edge, performance.now() + IGNORE_MS);
    }
  }
}
