// The metrics of an edge. Each reads a count from the object that maintains it.

import { type BrokerClient, registerClientMetrics } from "../broker/index.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Admission } from "./admission.ts";
import type { FanoutCounts } from "./fanout/fanout.ts";
import type { Readers } from "./fanout/readers.ts";
import type { ConnectionPool } from "./pool/pool.ts";
import type { Presence } from "./presence/presence.ts";
import type { ResyncCounts } from "./resync-counts.ts";
import type { Seams } from "./seam/seams.ts";
import type { SlowReaders } from "./slow-readers.ts";

export interface Counted {
  readonly client: BrokerClient;
  readonly pool: ConnectionPool;
  readonly counts: FanoutCounts;
  readonly resyncs: ResyncCounts;
  readonly readers: Readers;
  readonly admission: Admission;
  readonly presence: Presence;
  readonly seams: Seams;
  readonly slowReaders: SlowReaders;
  readonly notReady: () => string | undefined;
}

export function registerMetrics(
  metrics: Metrics,
  { client, pool, counts, resyncs, readers, admission, presence, seams, slowReaders, notReady }: Counted,
): void {
  metrics.gauge("encke_edge_streams", "Open streams", () => pool.size);
  metrics.gauge("encke_edge_users", "Users with at least one open stream", () => pool.users);
  metrics.gauge("encke_edge_subscriptions", "Users whose messages this edge receives", () => readers.users);
  metrics.gauge("encke_edge_queued_bytes", "Bytes waiting for slow readers", () => pool.queuedBytes);
  metrics.counter("encke_edge_opened_total", "Streams opened", () => pool.counts.opened);
  metrics.counter(
    "encke_edge_refused_total",
    "Streams refused because a limit was reached",
    () => admission.refused,
  );
  metrics.counter("encke_edge_closed_total", "Streams ended, by reason", () => pool.counts.closed, "reason");
  metrics.counter(
    "encke_edge_slow_returns_total",
    "Streams opened with a longer retry, because streams of their users were cut repeatedly as slow",
    () => slowReaders.delayed,
  );
  metrics.counter(
    "encke_edge_messages_total",
    "Messages received from NATS for users of this edge",
    () => counts.messages,
  );
  metrics.counter(
    "encke_edge_rejected_total",
    "Messages from NATS that were dropped as malformed or outdated",
    () => counts.rejected,
  );
  metrics.counter("encke_edge_delivered_total", "Events written to streams", () => pool.counts.delivered);
  metrics.counter("encke_edge_chunks_total", "Chunks written", () => pool.counts.chunks);
  metrics.counter("encke_edge_bytes_total", "Bytes written", () => pool.counts.bytes);
  metrics.gauge(
    "encke_edge_lost_partitions",
    "Partitions of the graph whose owner is silent while others reply",
    () => presence.lostPartitions,
  );
  metrics.gauge("encke_edge_seams", "Streams that wait for what their readers missed", () => seams.size);
  metrics.counter(
    "encke_edge_resumed_total",
    "Streams of returning readers that have received what they missed",
    () => seams.resumed,
  );
  metrics.counter(
    "encke_edge_resyncs_total",
    "Streams that were told that something may be missing, by reason",
    () => resyncs.byReason,
    "reason",
  );
  metrics.counter(
    "encke_edge_lost_messages_total",
    "Messages from the graph that were lost or malformed, after which events were requested again",
    () => presence.lostMessages,
  );
  metrics.gauge("encke_edge_ready", "1 while the edge accepts new readers", () =>
    Number(notReady() === undefined),
  );
  registerClientMetrics(metrics, client);
}
