// Metrics of the NATS connection, the same in every service.

import type { Metrics } from "../lib/metrics.ts";
import type { BrokerClient } from "./client.ts";

export function registerClientMetrics(metrics: Metrics, client: BrokerClient): void {
  metrics.gauge("encke_nats_connected", "1 while connected to NATS", () => Number(client.connected));
  metrics.counter(
    "encke_nats_reconnects_total",
    "Times the NATS connection was restored",
    () => client.reconnects,
  );
  metrics.counter(
    "encke_nats_refused_publishes_total",
    "Messages not sent because NATS was away",
    () => client.refusedPublishes,
  );
  metrics.counter(
    "encke_nats_unfit_publishes_total",
    "Messages not sent because they exceed the server's max_payload",
    () => client.unfitPublishes,
  );
}
