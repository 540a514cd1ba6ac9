// Reads a metric of a service from its admin port.

import { valueIn } from "../../load/index.ts";

/**
 * Returns one series, with its labels as /metrics writes them; NaN if the service lacks it. Costs the service
 * a complete scrape.
 */
export async function readMetric(admin: string | URL, series: string): Promise<number> {
  return valueIn(await (await fetch(new URL("/metrics", admin))).text(), series);
}
