// How many NATS servers store each stream of a graph service. Stateless.

import { type BrokerClient, isAtLeast } from "../broker/index.ts";
import { GraphError } from "./errors.ts";

/** Replicas in a cluster unless they are set. */
const CLUSTER_REPLICAS = 3;
/**
 * Before this version, a replicated stream can lose its leader for good, or elect one that lacks messages.
 */
const REPLICATES_FROM = [2, 11] as const;

/**
 * Returns the number of replicas: as set, or three in a cluster and one elsewhere.
 * @throws GraphError GRAPH_STREAMS_UNFIT if the servers cannot keep so many safely
 */
export function replicasFor({ server }: Pick<BrokerClient, "server">, wanted: number | undefined): number {
  const { version, isClustered } = server;
  const replicas = wanted ?? (isClustered ? CLUSTER_REPLICAS : 1);
  if (replicas === 1) return replicas;
  if (!isClustered)
    throw new GraphError(
      "GRAPH_STREAMS_UNFIT",
      `${replicas} replicas need a cluster, and nats-server ${version} runs alone: set --replicas 1`,
    );
  if (isAtLeast(version, REPLICATES_FROM)) return replicas;
  throw new GraphError(
    "GRAPH_STREAMS_UNFIT",
    `nats-server ${version} does not keep replicated streams safe: install ${REPLICATES_FROM.join(".")} or later, or set --replicas 1`,
  );
}
