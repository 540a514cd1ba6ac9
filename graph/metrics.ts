// The graph service's metrics, read from those who count.

import { type BrokerClient, registerClientMetrics } from "../broker/index.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { Expander } from "./expander.ts";
import type { GraphStore } from "./store/store.ts";
import type { Window } from "./window.ts";

export interface Counted {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly expander: Expander;
  readonly window: Window;
}

export function registerMetrics(metrics: Metrics, { store, client, expander, window }: Counted): void {
  metrics.gauge("encke_graph_edges", "Follow relations in the graph", () => store.edges);
  metrics.gauge("encke_graph_waiting_changes", "Changes that wait for the disk", () => store.waitingChanges);
  metrics.gauge("encke_graph_waiting_events", "Events that wait to be expanded", () => expander.waiting);
  metrics.counter(
    "encke_graph_events_total",
    "Events by what became of them",
    () => {
      const { events, rejected, overloaded, failed } = expander.counts;
      return { expanded: events, rejected, overloaded, failed };
    },
    "result",
  );
  metrics.counter(
    "encke_graph_copies_total",
    "Messages published to recipients",
    () => expander.counts.copies,
  );
  metrics.counter(
    "encke_graph_laggards_total",
    "Times an edge was too slow to be waited for",
    () => window.laggards,
  );
  registerClientMetrics(metrics, client);
}
