// Counts the deliveries of an event: asks every edge once, after the copies were sent. Only for senders that
// wait for it.

import { parseTallyPart } from "../../broker/index.ts";
import type { EdgeRequests } from "./edge-requests.ts";

/** An edge that has not replied within this time counts as timed out. */
const ANSWER_MS = 200;

/** The reply to a counted event, apart from the id and the number of recipients. */
export interface DeliveryCounts {
  /** The number of distinct recipients with at least one connection. */
  readonly online: number;
  /** The number of connections to which the event was written. */
  readonly delivered: number;
  /** The number of edges that did not reply. */
  readonly timedOut: number;
}

/** Asks these edges about an event. Never rejects; takes at most ANSWER_MS. */
export async function countDeliveries(
  requests: EdgeRequests,
  edges: readonly string[],
  event: string,
): Promise<DeliveryCounts> {
  const online = new Set<string>();
  let delivered = 0;
  const missing = await requests.ask(edges, { type: "tally", event }, ANSWER_MS, (message) => {
    const part = parseTallyPart(message.data);
    for (const user of part.online) online.add(user);
    delivered += part.delivered;
    return part.last;
  });
  return { online: online.size, delivered, timedOut: missing.size };
}
