// NATS nodes, the routes between them, and the processes connected to them, in simulated time. Messages
// between two processes arrive in order; those on a cut route are lost, or held until the route is back, as
// in a socket's buffer.

import type { Random } from "../../../graph/index.ts";

export const NODES = 3;

/** A service, an edge, or anything else that is connected to one node. */
export interface Process {
  node: number;
  /** False while the process is stopped or dead. */
  isRunning: boolean;
}

type Route = "up" | "lossy" | "held";

interface Flight {
  readonly at: number;
  /** The nodes of sender and receiver when it was sent. */
  readonly from: number;
  readonly to: number;
  readonly deliver: () => void;
}

export class Network {
  readonly #random: Random;
  now = 0;
  readonly isUp: boolean[] = Array.from({ length: NODES }, () => true);
  readonly #routes = new Map<number, Route>();
  /** Receiver → sender's connection → messages in transit. */
  readonly #channels = new Map<Process, Map<object, Flight[]>>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Returns whether messages travel between two nodes: nodes never forward for others. */
  reaches(a: number, b: number): boolean {
    return this.isUp[a] === true && this.isUp[b] === true && this.#route(a, b) === "up";
  }

  isConnected({ node }: Process): boolean {
    return this.isUp[node] === true;
  }

  /** Returns whether a node and one of the other two reach each other. */
  hasQuorum(node: number): boolean {
    for (let other = 0; other < NODES; other += 1)
      if (other !== node && this.reaches(node, other)) return true;
    return false;
  }

  cut(a: number, b: number, route: Exclude<Route, "up">): void {
    this.#routes.set(keyOf(a, b), route);
  }

  /** Repairs a route. Messages that were held arrive now. */
  repair(a: number, b: number): void {
    this.#routes.delete(keyOf(a, b));
  }

  send(from: Process, to: Process, deliver: () => void): void {
    if (!this.isConnected(from) || !this.isConnected(to)) return;
    if (this.#route(from.node, to.node) === "lossy") return;
    const at = this.now + this.delay();
    const channels = this.#channels.get(to) ?? new Map<object, Flight[]>();
    this.#channels.set(to, channels);
    const flights = channels.get(from) ?? [];
    channels.set(from, flights);
    flights.push({ at, from: from.node, to: to.node, deliver });
  }

  /** Delivers what has arrived for a process. */
  deliver(to: Process): void {
    const channels = this.#channels.get(to);
    for (const [connection, flights] of channels ?? []) {
      if (flights.length === 0) channels?.delete(connection);
      for (let first = flights[0]; first !== undefined; first = flights[0]) {
        if (first.at > this.now || this.#route(first.from, first.to) === "held") break;
        flights.shift();
        first.deliver();
      }
    }
  }

  /**
   * Ends a process's connection: what is in transit to it is lost, and the end of what it had sent. The rest
   * may arrive after what it sends on its next connection.
   */
  drop(process: Process): void {
    this.#channels.get(process)?.clear();
    for (const channels of this.#channels.values()) {
      const flights = channels.get(process);
      if (flights === undefined) continue;
      channels.delete(process);
      flights.length = this.#random.below(flights.length + 1);
      if (flights.length > 0) channels.set({}, flights);
    }
  }

  /** Returns the time that a message takes: usually short, now and then seconds. */
  delay(): number {
    return this.#random.below(60) === 0 ? this.#random.below(2_500) : this.#random.below(60);
  }

  #route(a: number, b: number): Route {
    return a === b ? "up" : (this.#routes.get(keyOf(a, b)) ?? "up");
  }
}

function keyOf(a: number, b: number): number {
  return Math.min(a, b) * NODES + Math.max(a, b);
}
