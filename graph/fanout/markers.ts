// Replies to the requests of edges in `subject` mode for markers among the copies (broker/mark-request.ts). A
// marker is published like a copy, after everything that is begun, so that its place among the copies proves
// which of them arrive at a new subscription. Stateless apart from counters.

import { copySubject, isUserId } from "../../broker/contract.ts";
import { type BrokerClient, type Msg, markerHeaders, parseMarkRequest } from "../../broker/index.ts";
import type { EdgeRegistry } from "../presence/edge-registry.ts";
import type { EdgeMessages } from "./edge-messages.ts";

const NOTHING = new Uint8Array(0);

export interface MarkersOptions {
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly messages: EdgeMessages;
}

export class Markers {
  readonly #options: MarkersOptions;
  /** The number of markers sent. */
  sent = 0;

  constructor(options: MarkersOptions) {
    this.#options = options;
  }

  /**
   * Handles one request about a partition. An edge that is not in step gets no reply, and asks again.
   * @throws BrokerError BAD_EVENT for a malformed request; the client logs it
   */
  receive(partition: number, message: Msg): void {
    const { client, registry, messages } = this.#options;
    const { edge: id, users } = parseMarkRequest(message.data);
    const edge = registry.get(id);
    if (edge?.presence.isInStep !== true) return;
    messages.flushEdge(edge);
    for (const { epoch, sequence, open } of messages.positions(edge, [partition]))
      for (const [user, subscription] of users) {
        if (!isUserId(user)) continue;
        const headers = markerHeaders({ edge: id, subscription, partition, epoch, sequence, open });
        client.publish(copySubject(user), NOTHING, { headers });
        this.sent += 1;
      }
  }
}
