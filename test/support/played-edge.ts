// An edge that a test plays for a real graph service.

import assert from "node:assert/strict";
import { edgeSubject, FRAME_KIND, presenceSubject, readFrame } from "../../broker/contract.ts";
import {
  type BrokerClient,
  type EdgeOrder,
  encodePresence,
  type Msg,
  type PresenceMessage,
  parseOrder,
} from "../../broker/index.ts";
import { waitFor } from "./wait-for.ts";

/** Records what an edge received, in order: orders, and copies in the form "kind data recipients". */
export class PlayedEdge {
  readonly id: string;
  readonly orders: EdgeOrder[] = [];
  readonly copies: string[] = [];
  /** Orders and copies in the order of their arrival. */
  readonly log: string[] = [];
  readonly #client: BrokerClient;

  constructor(client: BrokerClient, id: string) {
    this.id = id;
    this.#client = client;
    client.subscribe(edgeSubject(id), (message) => this.#receive(message));
  }

  say(message: PresenceMessage): void {
    this.#client.publish(presenceSubject(this.id), encodePresence(message));
  }

  delta(epoch: number, sequence: number, joins: [string, number][], leaves: number[] = []): void {
    this.say({ type: "delta", mode: "frames", epoch, sequence, joins, leaves, complete: true });
  }

  beat(epoch: number, sequence: number): void {
    this.say({ type: "beat", mode: "frames", epoch, sequence });
  }

  until(type: EdgeOrder["type"], count = 1): Promise<void> {
    return waitFor(
      `${count} × ${type}`,
      () => this.orders.filter((order) => order.type === type).length >= count,
    );
  }

  #receive(message: Msg): void {
    if (message.data[0] === "{".charCodeAt(0)) {
      const order = parseOrder(message.data);
      assert.ok(order.type !== "unknown-version");
      this.orders.push(order);
      this.log.push(order.type);
      if (order.type === "mark") this.#client.respond(message);
      return;
    }
    readFrame(message.data, FRAME_KIND.frame, ({ json, recipients, handleAt }) => {
      const handles = Array.from({ length: recipients }, (_, index) => handleAt(index)).sort();
      this.#note(`frame ${dataOf(json)} ${handles.join(",")}`);
    });
  }

  #note(copy: string): void {
    this.copies.push(copy);
    this.log.push(copy);
  }
}

/** Returns the payload in the JSON of an event. */
export function dataOf(json: string): string {
  return (JSON.parse(json) as { data: string }).data;
}
