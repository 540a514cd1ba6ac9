// The graph service's metrics, read from those who count.

import { registerClientMetrics } from "../broker/index.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { ServiceParts } from "./assemble.ts";

const MS_PER_SECOND = 1_000;

export function registerMetrics(metrics: Metrics, parts: ServiceParts): void {
  registerStoreMetrics(metrics, parts);
  registerFanOutMetrics(metrics, parts);
  registerPresenceMetrics(metrics, parts);
  metrics.counter(
    "encke_graph_shares_total",
    "Questions to the owners of other partitions, by what became of them",
    () => ({ ...parts.lists.counts }),
    "result",
  );
  registerClientMetrics(metrics, parts.client);
}

function registerStoreMetrics(metrics: Metrics, { store }: ServiceParts): void {
  metrics.gauge("encke_graph_follows", "Follow relations in the graph", () => store.follows);
  metrics.gauge("encke_graph_waiting_changes", "Changes that wait for the disk", () => store.waitingChanges);
  metrics.gauge("encke_graph_audit_changes", "Changes that the audit keeps", () => store.audit.length);
  metrics.counter(
    "encke_graph_audit_trimmed_total",
    "Changes that the audit no longer keeps",
    () => store.audit.trimmed,
  );
  metrics.counter(
    "encke_graph_audit_failed_trims_total",
    "Times the oldest changes could not be deleted",
    () => store.audit.failedTrims,
  );
  metrics.gauge("encke_graph_writable", "1 while the disk takes changes", () =>
    Number(store.trouble === undefined),
  );
  metrics.counter(
    "encke_graph_failed_writes_total",
    "Writes to the disk that failed",
    () => store.failedWrites,
  );
  metrics.gauge("encke_graph_rows", "Rows of followers in memory", () => store.receivers.rows);
  metrics.gauge("encke_graph_row_bytes", "What they take", () => store.receivers.bytes);
  metrics.counter(
    "encke_graph_lookups_total",
    "Rows looked up for events, by where they were",
    () => store.receivers.lookups,
    "from",
  );
}

function registerFanOutMetrics(metrics: Metrics, parts: ServiceParts): void {
  const { backlog, long, entry, fanOut, distributor, window, narrowWindow } = parts;
  metrics.gauge("encke_graph_waiting_events", "Events that wait to be expanded", () => backlog.events);
  metrics.gauge("encke_graph_long_events", "Events with very many followers being sent", () => long.size);
  metrics.gauge(
    "encke_graph_tick_seconds",
    "Time for which frames are collected before they are sent to edges",
    () => distributor.tickMs / MS_PER_SECOND,
  );
  metrics.counter(
    "encke_graph_events_total",
    "Events by what became of them",
    () => {
      const rejected = entry.counts.rejected + fanOut.counts.rejected;
      return { ...entry.counts, ...fanOut.counts, rejected };
    },
    "result",
  );
  metrics.counter(
    "encke_graph_copies_total",
    "OutgoingEvent for recipients, by the way they took",
    () => distributor.counts,
    "way",
  );
  metrics.counter("encke_graph_frames_total", "Frames sent to edges", () => distributor.frames);
  metrics.counter(
    "encke_graph_laggards_total",
    "Times an edge was too slow to be waited for",
    () => window.laggards + narrowWindow.laggards,
  );
}

function registerPresenceMetrics(metrics: Metrics, { registry, online, receiver }: ServiceParts): void {
  metrics.gauge("encke_graph_known_edges", "Edge workers that are alive", () => registry.size);
  metrics.gauge("encke_graph_online_users", "Users that edges in frames mode announced", () => online.size);
  metrics.counter(
    "encke_graph_restarts_total",
    "Times an edge had to announce everybody anew",
    () => receiver.restarts,
  );
  metrics.counter("encke_graph_expired_total", "Edges that fell silent", () => registry.expired);
  metrics.counter(
    "encke_graph_refused_total",
    "Messages of edges beyond the limit, or of another version of the protocol",
    () => receiver.refused,
  );
}
