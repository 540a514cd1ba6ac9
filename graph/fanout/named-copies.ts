// Copies for edges in `frames` mode whose presence is not in step: every event with the names of all its
// recipients, from which the edge picks its own users.

import {
  countFitting,
  encodeNamed,
  maxNamesBytes,
  storedUserId,
  type UserId,
} from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import type { EdgeLink } from "../presence/edge-registry.ts";
import type { EdgeSender } from "./edge-sender.ts";
import type { OutgoingEvent } from "./event.ts";

export class NamedCopies {
  readonly #client: BrokerClient;
  readonly #sender: EdgeSender;
  readonly #nameOf: (id: number) => string;
  /** The number of messages sent. */
  sent = 0;

  /** @param nameOf returns the name of a follower's id */
  constructor(client: BrokerClient, sender: EdgeSender, nameOf: (id: number) => string) {
    this.#client = client;
    this.#sender = sender;
    this.#nameOf = nameOf;
  }

  /**
   * Sends the same messages to each of these edges, several if not all names fit into one. Returns the total
   * size.
   */
  send(
    event: OutgoingEvent,
    followers: Uint32Array,
    author: UserId | undefined,
    edges: readonly EdgeLink[],
  ): number {
    const users = Array.from(followers, (follower) => storedUserId(this.#nameOf(follower)));
    if (author !== undefined) users.unshift(author);
    const { id, json, counted } = event;
    const limit = { bytes: maxNamesBytes(this.#client.maxPayload, id, json) };
    let bytes = 0;
    for (let at = 0; at < users.length; ) {
      const to = at + countFitting(users, nameBytes, limit, at);
      const message = encodeNamed({ id, json, counted, users: users.slice(at, to) });
      for (const edge of edges) {
        event.asked.add(edge.id);
        this.#sender.send(edge, message);
      }
      this.sent += edges.length;
      bytes += edges.length * message.length;
      at = to;
    }
    return bytes;
  }
}

/** Returns the size of a user's name in a named copy, with the comma after it. */
function nameBytes(name: string): number {
  return name.length + 1;
}
