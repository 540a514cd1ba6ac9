// Counting who saw an event: after the copies were sent, every edge is asked once, on the same connection, so its
// answer covers them. Only for sends that asked for it; an edge that does not answer in time is counted as such.

import { edgeSubject } from "../broker/contract.ts";
import { type BrokerClient, type Msg, parseTallyPart, type Subscribed } from "../broker/index.ts";
import type { Edges } from "./edges.ts";

const ANSWER_MS = 200;
/** Counted sends under way at once; beyond it the answer comes without counts, all edges timed out. */
const MAX_OPEN = 10_000;
const NO_RESPONDERS = 503;

/** What a counted send answers, beside the id and the number of recipients. */
export interface Seen {
  /** Distinct recipients with at least one connection. */
  readonly online: number;
  /** Connections to which the bytes were handed. */
  readonly delivered: number;
  /** Edges that did not answer. */
  readonly timedOut: number;
}

interface Open {
  readonly online: Set<string>;
  delivered: number;
  readonly missing: Set<string>;
  readonly done: (seen: Seen) => void;
  readonly timer: NodeJS.Timeout;
}

export class Tallies {
  readonly #client: BrokerClient;
  readonly #edges: Edges;
  readonly #inbox: string;
  readonly #open = new Map<string, Open>();
  readonly #subscription: Subscribed;
  #next = 0;

  constructor(client: BrokerClient, edges: Edges) {
    this.#client = client;
    this.#edges = edges;
    this.#inbox = client.newInbox();
    this.#subscription = client.subscribe(`${this.#inbox}.*.*`, (message) => this.#receive(message));
  }

  /** Asks every edge alive. Never rejects; at most ANSWER_MS. */
  ask(event: string): Promise<Seen> {
    const edges = this.#edges.alive(Date.now());
    if (edges.length === 0) return Promise.resolve({ online: 0, delivered: 0, timedOut: 0 });
    if (this.#open.size >= MAX_OPEN)
      return Promise.resolve({ online: 0, delivered: 0, timedOut: edges.length });
    this.#next += 1;
    const token = this.#next.toString(36);
    return new Promise((done) => {
      const timer = setTimeout(() => this.#finish(token), ANSWER_MS);
      this.#open.set(token, { online: new Set(), delivered: 0, missing: new Set(edges), done, timer });
      const question = JSON.stringify({ type: "tally", event });
      for (const edge of edges) {
        this.#client.publish(edgeSubject(edge), question, { reply: `${this.#inbox}.${token}.${edge}` });
      }
    });
  }

  /** Answers what is open with what has come so far. */
  close(): void {
    this.#subscription.unsubscribe();
    for (const token of [...this.#open.keys()]) this.#finish(token);
  }

  #receive(message: Msg): void {
    const [token = "", edge = ""] = message.subject.slice(this.#inbox.length + 1).split(".");
    const open = this.#open.get(token);
    if (open === undefined) return;
    if (message.headers?.code === NO_RESPONDERS) {
      this.#edges.left(edge);
      open.missing.delete(edge);
    } else {
      const part = parseTallyPart(message.data);
      for (const user of part.online) open.online.add(user);
      open.delivered += part.delivered;
      if (part.last) open.missing.delete(edge);
    }
    if (open.missing.size === 0) this.#finish(token);
  }

  #finish(token: string): void {
    const open = this.#open.get(token);
    if (open === undefined) return;
    this.#open.delete(token);
    clearTimeout(open.timer);
    open.done({ online: open.online.size, delivered: open.delivered, timedOut: open.missing.size });
  }
}
