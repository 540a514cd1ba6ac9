// Sends a request to every edge and waits a bounded time for the replies. A request follows the copies of
// events on the same connection, so a reply proves that the edge has handled those. An edge to whose subject
// no process is subscribed is removed; an edge that does not reply in time is reported.

import { edgeSubject } from "../../broker/contract.ts";
import {
  type BrokerClient,
  type EdgeOrder,
  encodeOrder,
  type Msg,
  type Subscribed,
  streamOf,
} from "../../broker/index.ts";
import type { EdgeRegistry } from "./edge-registry.ts";

/**
 * The maximum number of requests under way. A request beyond it is not sent, and all its edges count as
 * missing.
 */
const MAX_OPEN = 10_000;
const NO_RESPONDERS = 503;

interface Open {
  readonly missing: Set<string>;
  /** Reads one part of an edge's reply. Returns true for the last part. */
  readonly read: (message: Msg) => boolean;
  readonly done: (missing: ReadonlySet<string>) => void;
  readonly timer: NodeJS.Timeout;
}

export class EdgeRequests {
  readonly #client: BrokerClient;
  readonly #registry: EdgeRegistry;
  readonly #inbox: string;
  readonly #open = new Map<string, Open>();
  readonly #subscription: Subscribed;
  #next = 0;

  constructor(client: BrokerClient, registry: EdgeRegistry) {
    this.#client = client;
    this.#registry = registry;
    this.#inbox = client.newInbox();
    this.#subscription = client.subscribe(`${this.#inbox}.*.*`, (message) => this.#receive(message));
  }

  /** Sends an order to these edges. Never rejects; resolves with the edges that did not reply within `ms`. */
  ask(
    edges: readonly string[],
    order: EdgeOrder,
    ms: number,
    read: (message: Msg) => boolean,
  ): Promise<ReadonlySet<string>> {
    const missing = new Set(edges);
    if (missing.size === 0 || this.#open.size >= MAX_OPEN) return Promise.resolve(missing);
    this.#next += 1;
    const token = this.#next.toString(36);
    return new Promise((done) => {
      const timer = setTimeout(() => this.#finish(token), ms);
      this.#open.set(token, { missing, read, done, timer });
      const question = encodeOrder(order);
      for (const edge of edges) {
        this.#client.publish(edgeSubject(edge), question, { reply: `${this.#inbox}.${token}.${edge}` });
      }
    });
  }

  /** Resolves all requests under way with what has arrived. */
  close(): void {
    this.#subscription.unsubscribe();
    for (const token of [...this.#open.keys()]) this.#finish(token);
  }

  #receive(message: Msg): void {
    const [token = "", edge = ""] = message.subject.slice(this.#inbox.length + 1).split(".");
    const open = this.#open.get(token);
    if (open === undefined || streamOf(message) !== undefined) return;
    const gone = message.headers?.code === NO_RESPONDERS;
    if (gone) this.#registry.remove(edge);
    if (gone || open.read(message)) open.missing.delete(edge);
    if (open.missing.size === 0) this.#finish(token);
  }

  #finish(token: string): void {
    const open = this.#open.get(token);
    if (open === undefined) return;
    this.#open.delete(token);
    clearTimeout(open.timer);
    open.done(open.missing);
  }
}
