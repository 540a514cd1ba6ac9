// What a service has counted, asked for at its admin port.

import { valueIn } from "../../load/index.ts";

/** One series, its labels as /metrics writes them; NaN where the service does not have it. Costs it a whole scrape. */
export async function readMetric(admin: string | URL, series: string): Promise<number> {
  return valueIn(await (await fetch(new URL("/metrics", admin))).text(), series);
}
