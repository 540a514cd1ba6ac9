// Sends bytes to one edge on its own subject, in order with all other messages of the graph to that edge.

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
   * Publishes a message. While NATS is disconnected nothing is sent, and readers are told after the
   * reconnect. A message that was built for a server with a larger max_payload is lost, and readers are told
   * at once.
   */
  send(edge: EdgeLink, message: Uint8Array): void {
    if (this.#client.publish(edgeSubject(edge.id), message) === "unfit")
      this.#losses.tell("graph-reconnected");
  }
}
