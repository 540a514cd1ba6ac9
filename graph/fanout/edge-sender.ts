// Sends bytes to one edge on its own subject, in order with everything else that the graph sends it.

import { edgeSubject } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import type { EdgeLink } from "../presence/edge-registry.ts";
import type { Losses } from "../presence/losses.ts";

export class EdgeSender {
  readonly #client: BrokerClient;
  readonly #losses: Losses;

  constructor(client: BrokerClient, losses: Losses) {
    this.#client = client;
    this.#losses = losses;
  }

  /**
   * While NATS is away nothing is sent, and the service tells readers on its return. A message that was filled for a
   * server with a larger max_payload is lost, and they are told at once.
   */
  send(edge: EdgeLink, message: Uint8Array): void {
    if (this.#client.publish(edgeSubject(edge.id), message) === "unfit")
      this.#losses.tell("graph-reconnected");
  }
}
