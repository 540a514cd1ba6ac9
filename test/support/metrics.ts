// One value of a service's metrics, read without its admin port.

import type { Metrics } from "../../lib/metrics.ts";

/** The value of a metric with these labels, as a scrape would show it now; 0 where there is none. */
export async function readMetric(
  { registry }: Metrics,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  const wanted = Object.entries(labels);
  const found = metric?.values.find((value) =>
    wanted.every(([label, text]) => value.labels[label as keyof typeof value.labels] === text),
  );
  return found?.value ?? 0;
}
