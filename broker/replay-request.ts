// What an edge asks the owner of a partition when readers return: the events that they missed there. The
// replies travel on the edge's own subject, in order with live events (edge-notices.ts), so that neither a
// replay nor the end of a follow can overtake the other.

import { z } from "zod";
import { BrokerError } from "./errors.ts";

/** Maximum number of items per request. */
export const MAX_REPLAYS = 64;

/** One user's gap in the partition of the request's subject. */
export interface ReplayItem {
  /** Identifies the pages of the reply. */
  readonly request: number;
  readonly user: string;
  /** What the user has received: everything up to the sequence, except the open events. */
  readonly after: { readonly epoch: number; readonly sequence: number; readonly open: readonly number[] };
  /** The last sequence that is wanted. The edge has reached it, and nothing up to it is open there. */
  readonly upTo: number;
}

export interface ReplayRequest {
  readonly edge: string;
  /** A request of an earlier presence epoch is ignored. */
  readonly presenceEpoch: number;
  readonly items: readonly ReplayItem[];
}

const count = z.number().int().min(0);
const request: z.ZodType<ReplayRequest> = z.object({
  edge: z.string().max(64),
  presenceEpoch: count,
  items: z
    .array(
      z.object({
        request: count,
        user: z.string(),
        after: z.object({ epoch: count, sequence: count, open: z.array(count).max(64) }),
        upTo: count,
      }),
    )
    .max(MAX_REPLAYS),
});

export function encodeReplayRequest(value: ReplayRequest): string {
  return JSON.stringify(value);
}

/** @throws BrokerError BAD_EVENT */
export function parseReplayRequest(payload: Uint8Array): ReplayRequest {
  try {
    return request.parse(JSON.parse(new TextDecoder().decode(payload)));
  } catch (cause) {
    throw new BrokerError(
      "BAD_EVENT",
      "a replay request is malformed: do edge and graph run the same release?",
      { cause },
    );
  }
}
