// The graph service's metrics, read from those who count.

import { type BrokerClient, registerClientMetrics } from "../broker/index.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Distributor } from "./fanout/distributor.ts";
import type { Expander } from "./fanout/expander.ts";
import type { Window } from "./fanout/window.ts";
import type { GraphStore } from "./graph-store.ts";
import type { EdgeRegistry } from "./presence/edge-registry.ts";
import type { OnlineTable } from "./presence/online-table.ts";
import type { PresenceReceiver } from "./presence/presence-receiver.ts";
import type { UserLists } from "./user-lists.ts";

export interface Counted {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  readonly receiver: PresenceReceiver;
  readonly expander: Expander;
  readonly distributor: Distributor;
  readonly window: Window;
  readonly narrowWindow: Window;
  readonly lists: UserLists;
}

export function registerMetrics(metrics: Metrics, parts: Counted): void {
  const { store, client, registry, online, receiver, expander, distributor } = parts;
  const { window, narrowWindow, lists } = parts;
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
  metrics.gauge("encke_graph_waiting_events", "Events that wait to be expanded", () => expander.waiting);
  metrics.gauge("encke_graph_long_events", "Events with very many followers being sent", () => expander.long);
  metrics.gauge("encke_graph_known_edges", "Edge workers that are alive", () => registry.size);
  metrics.gauge("encke_graph_online_users", "Users that edges in frames mode announced", () => online.size);
  metrics.gauge("encke_graph_tick_ms", "What frames to edges wait for", () => distributor.tickMs);
  metrics.counter(
    "encke_graph_events_total",
    "Events by what became of them",
    () => {
      const { events, direct, rejected, overloaded, failed } = expander.counts;
      return { expanded: events, direct, rejected, overloaded, failed };
    },
    "result",
  );
  metrics.counter(
    "encke_graph_copies_total",
    "OutgoingEvent for recipients, by the way they took",
    () => ({ subject: distributor.copies, frame: distributor.handed, named: distributor.named }),
    "way",
  );
  metrics.counter("encke_graph_frames_total", "Frames sent to edges", () => distributor.frames);
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
  metrics.counter(
    "encke_graph_laggards_total",
    "Times an edge was too slow to be waited for",
    () => window.laggards + narrowWindow.laggards,
  );
  metrics.counter(
    "encke_graph_shares_total",
    "Questions to the owners of other partitions, by what became of them",
    () => ({ ...lists.counts }),
    "result",
  );
  registerClientMetrics(metrics, client);
}
