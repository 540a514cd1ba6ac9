// Whether new readers may come to an edge, as `/readyz`, the metrics and the status endpoint report it.

import type { BrokerClient } from "../broker/index.ts";
import type { Admission } from "./admission.ts";
import type { Presence } from "./presence/presence.ts";

export interface Readiness {
  readonly client: Pick<BrokerClient, "connected" | "unfit">;
  readonly admission: Pick<Admission, "draining">;
  readonly presence: Pick<Presence, "graphPresent">;
}

/** Returns why new readers should connect to another edge, or undefined while they may come. */
export function notReadyReason({ client, admission, presence }: Readiness): string | undefined {
  if (admission.draining) return "draining";
  if (!client.connected) return "NATS is away";
  if (client.unfit !== undefined) return client.unfit;
  return presence.graphPresent ? undefined : "the graph is away";
}
