// Reads single values of a service's metrics without its admin port.

import type { Metrics } from "../../lib/metrics.ts";

/** Returns the value that a scrape would show now for these labels, or 0 if there is none. */
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
