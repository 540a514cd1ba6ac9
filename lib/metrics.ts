// Metrics in Prometheus' form. Hot paths count in plain numbers that they own; a metric only reads them when
// somebody scrapes, so a delivered chunk never pays for its own bookkeeping.

import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** A number, or one for each value of the metric's label. */
export type Reading = number | Readonly<Record<string, number>>;

export interface Metrics {
  /** A count that only grows, read from its owner at each scrape. `label` names what the keys of the reading are. */
  counter(name: string, help: string, read: () => Reading, label?: string): void;
  /** A level that goes up and down, read likewise. */
  gauge(name: string, help: string, read: () => Reading, label?: string): void;
  readonly registry: Registry;
}

/** Metrics of one process, with Node's own (heap, event-loop lag, descriptors) beside ours. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
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
}

function each(
  reading: Reading,
  label: string | undefined,
  put: (labels: Record<string, string>, value: number) => void,
): void {
  if (typeof reading === "number") return put({}, reading);
  for (const [key, value] of Object.entries(reading)) put({ [label ?? "kind"]: key }, value);
}
