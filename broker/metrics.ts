// The metrics of the NATS connection, which every service has.

import type { Metrics } from "../lib/metrics.ts";
import type { BrokerClient } from "./client.ts";

export function registerClientMetrics(metrics: Metrics, client: BrokerClient): void {
  metrics.gauge("encke_nats_connected", "1 while connected to NATS, else 0", () => Number(client.connected));
  metrics.counter("encke_nats_reconnects_total", "Reconnects to NATS", () => client.reconnects);
  metrics.counter(
    "encke_nats_silences_total",
    "Connections to NATS that were given up because the server was silent for a second",
    () => client.silences,
  );
  metrics.counter(
    "encke_nats_refused_publishes_total",
    "Messages not sent because NATS was not connected",
    () => client.refusedPublishes,
  );
  metrics.counter(
    "encke_nats_unfit_publishes_total",
    "Messages not sent because they exceed the server's max_payload",
    () => client.unfitPublishes,
  );
}
