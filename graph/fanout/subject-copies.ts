// Copies for edges in `subject` mode: one message per recipient to `copy.<id>`, to which an edge is
// subscribed while the user is connected to it.

import { copySubject, storedUserId, type UserId } from "../../broker/contract.ts";
import { type BrokerClient, eventHeaders } from "../../broker/index.ts";
import type { OutgoingEvent } from "./event.ts";

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

  /** Returns the number of copies that could not be sent, because NATS is away or would refuse them. */
  send(event: OutgoingEvent, followers: Uint32Array, author: UserId | undefined): number {
    const json = event.json.slice(); // the client keeps it until it is written
    const options = { headers: eventHeaders(event.id, event.counted) };
    let lost = 0;
    const publish = (user: UserId): void => {
      if (this.#client.publish(copySubject(user), json, options) !== "sent") lost += 1;
    };
    if (author !== undefined) publish(author);
    for (const follower of followers) publish(storedUserId(this.#nameOf(follower)));
    this.published += followers.length + (author === undefined ? 0 : 1);
    return lost;
  }
}
