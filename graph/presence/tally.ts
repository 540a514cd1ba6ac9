// Counting who saw an event: after the copies were sent, every edge is asked once. Only for sends that asked for it.

import { parseTallyPart } from "../../broker/index.ts";
import type { EdgeRequests } from "./edge-requests.ts";

/** An edge that has not answered by then is counted as timed out. */
const ANSWER_MS = 200;

/** What a counted send answers, beside the id and the number of recipients. */
export interface DeliveryCounts {
  /** Distinct recipients with at least one connection. */
  readonly online: number;
  /** Connections to which the bytes were handed. */
  readonly delivered: number;
  /** Edges that did not answer. */
  readonly timedOut: number;
}

/** Asks these edges about an event. Never rejects; at most ANSWER_MS. */
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
