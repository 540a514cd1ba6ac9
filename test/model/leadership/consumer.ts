// A service's consumer of one stream. It lives on one node, and sends nothing while the service's node does
// not reach that node, or for no reason (nats-server #8488); the service makes another one after a while.

import type { Random } from "../../../graph/index.ts";
import { type Network, NODES, type Process } from "./network.ts";

/** How long a service waits for a consumer's heartbeats. */
const SILENT_MS = 3_000;

export class Consumer {
  readonly #network: Network;
  readonly #random: Random;
  readonly #process: Process;
  #node: number | undefined;
  #lastMs = 0;
  #stalledUntilMs = 0;

  constructor(network: Network, random: Random, process: Process) {
    this.#network = network;
    this.#random = random;
    this.#process = process;
  }

  /** Returns the node from which messages arrive now. */
  get source(): number | undefined {
    const { now } = this.#network;
    const isSilent = now < this.#stalledUntilMs;
    if (this.#node !== undefined && !isSilent && this.#network.reaches(this.#process.node, this.#node)) {
      this.#lastMs = now;
      return this.#node;
    }
    if (this.#node === undefined || now - this.#lastMs > SILENT_MS) this.make();
    return undefined;
  }

  /** Makes the consumer again: on any node that has its stream. */
  make(): void {
    this.#lastMs = this.#network.now;
    const node = this.#random.below(NODES);
    this.#node = this.#network.reaches(this.#process.node, node) ? node : undefined;
  }

  stall(durationMs: number): void {
    this.#stalledUntilMs = this.#network.now + durationMs;
  }

  resume(): void {
    this.#stalledUntilMs = 0;
  }
}
