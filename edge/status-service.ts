// The edge as the NATS micro service `encke-edge`, which `nats micro ls`, `info` and `stats` show. Its one
// endpoint reports the state of an edge. Each edge is an instance of the service and replies for itself, so a
// request on `edge.status` gets one reply per edge. Owned by the assembled edge; it keeps nothing.

import { z } from "zod";
import { EDGE_STATUS } from "../broker/contract.ts";
import type { BrokerClient, FanoutMode, Served } from "../broker/index.ts";
import type { ConnectionPool } from "./pool/pool.ts";
import { notReadyReason, type Readiness } from "./readiness.ts";

const SERVICE_NAME = "encke-edge";

const count = z.number().int().min(0);
const status = z.strictObject({
  edge: z.string().meta({ description: "the edge's id, new at each start" }),
  ready: z.boolean(),
  reason: z.string().optional().meta({ description: "why new readers should connect elsewhere" }),
  streams: count.meta({ description: "open streams" }),
  users: count.meta({ description: "users with at least one open stream" }),
  queuedBytes: count.meta({ description: "bytes that wait for slow readers" }),
});

export interface StatusOptions extends Readiness {
  readonly client: BrokerClient;
  readonly edgeId: string;
  readonly mode: FanoutMode;
  readonly pool: Pick<ConnectionPool, "size" | "users" | "queuedBytes">;
}

/** Serves the status of an edge until the service is stopped. */
export function serveStatus(options: StatusOptions): Served {
  const { client, edgeId, mode, pool } = options;
  const handle = (): string => {
    const reason = notReadyReason(options);
    const reply: z.infer<typeof status> = {
      ...{ edge: edgeId, ready: reason === undefined, ...(reason !== undefined && { reason }) },
      ...{ streams: pool.size, users: pool.users, queuedBytes: pool.queuedBytes },
    };
    return JSON.stringify(reply);
  };
  const about = {
    name: SERVICE_NAME,
    description: "An edge, which holds the streams of readers and writes their events to them",
    metadata: { edge: edgeId, fanout: mode },
  };
  return client.addService(about, [
    {
      name: "status",
      subject: EDGE_STATUS,
      description: "Returns whether this edge takes new readers, and how many it has",
      responseSchema: z.toJSONSchema(status),
      queueGroup: "",
      handle,
    },
  ]);
}
