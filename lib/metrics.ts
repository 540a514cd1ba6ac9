// Metrics in Prometheus' format. Hot paths count in plain numbers of their own, which a metric reads only
// when it is scraped. So delivering a chunk costs nothing for metrics.

import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { droppedLines } from "./output.ts";
import { version } from "./project.ts";

/**
 * Gauges of the library that are named like counters; `promtool check metrics` rejects them. Each is the sum
 * of a gauge that has a better name and a label for the type.
 */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** A number, or one number per value of the metric's label. */
export type Reading = number | Readonly<Record<string, number>>;

export interface Metrics {
  /**
   * A count that only grows, read from its owner at each scrape. `label` is the name of the label whose
   * values are the keys of the reading.
   */
  counter(name: string, help: string, read: () => Reading, label?: string): void;
  /** A level that rises and falls, read in the same way. */
  gauge(name: string, help: string, read: () => Reading, label?: string): void;
  readonly registry: Registry;
}

/**
 * Creates the metrics of one process: ours, and Node's own (heap, event-loop lag, descriptors) unless
 * `ofNode` is false. A supervisor leaves out Node's, which would blur those of its workers.
 */
export function createMetrics({ ofNode = true }: { readonly ofNode?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (ofNode) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }
  registerBuildInfo(registry);
  const metrics: Metrics = {
    registry,
    counter(name, help, read, label) {
      new Counter({
        name,
        help,
        labelNames: label === undefined ? [] : [label],
        registers: [registry],
        collect() {
          this.reset();
          each(read(), label, (labels, value) => this.inc(labels, value));
        },
      });
    },
    gauge(name, help, read, label) {
      new Gauge({
        name,
        help,
        labelNames: label === undefined ? [] : [label],
        registers: [registry],
        collect() {
          each(read(), label, (labels, value) => this.set(labels, value));
        },
      });
    },
  };
  metrics.counter(
    "encke_log_lines_dropped_total",
    "Log and status lines that could not be written to standard error or standard output",
    droppedLines,
  );
  return metrics;
}

/**
 * By convention a gauge that is always 1; where the processes of a host are added up, it remains 1 (`first`).
 */
function registerBuildInfo(registry: Registry): void {
  new Gauge({
    name: "encke_build_info",
    help: "Always 1; the labels are the versions of Encke and of Node.js",
    labelNames: ["version", "node"],
    aggregator: "first",
    registers: [registry],
  }).set({ version, node: process.version }, 1);
}

function each(
  reading: Reading,
  label: string | undefined,
  put: (labels: Record<string, string>, value: number) => void,
): void {
  if (typeof reading === "number") return put({}, reading);
  for (const [key, value] of Object.entries(reading)) put({ [label ?? "kind"]: key }, value);
}
