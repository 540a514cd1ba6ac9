// Copies for edges in `subject` mode: one message per recipient to `copy.<id>`, to which an edge is
// subscribed while the user is connected to it.

import { copySubject, storedUserId, type UserId } from "../../broker/contract.ts";
import { type BrokerClient, eventHeaders } from "../../broker/index.ts";
import { GraphError } from "../errors.ts";
import type { DeliveryCost, OutgoingEvent } from "./event.ts";

export class SubjectCopies {
  readonly #client: BrokerClient;
  readonly #nameOf: (id: number) => string;
  /** The number of messages published. */
  published = 0;

  /** @param nameOf returns the name of a follower's id */
  constructor(client: BrokerClient, nameOf: (id: number) => string) {
    this.#client = client;
    this.#nameOf = nameOf;
  }

  /** @throws GraphError GRAPH_CUT_OFF if NATS disconnects in the middle */
  send(event: OutgoingEvent, followers: Uint32Array, author: UserId | undefined): DeliveryCost {
    const options = { headers: eventHeaders(event.id, event.counted) };
    const publish = (user: UserId): void => {
      if (this.#client.publish(copySubject(user), event.json, options) !== "sent") throw cutOff();
    };
    if (author !== undefined) publish(author);
    for (const follower of followers) publish(storedUserId(this.#nameOf(follower)));
    const messages = followers.length + (author === undefined ? 0 : 1);
    this.published += messages;
    return { messages, bytes: messages * event.json.length };
  }
}

function cutOff(): GraphError {
  return new GraphError("GRAPH_CUT_OFF", "NATS disconnected in the middle of an event: readers are told");
}
