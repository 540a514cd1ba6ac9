// Constants of the small-payload suites, and the event counts of all graph services.

import type { FanoutMode } from "../../broker/index.ts";
import { readMetric } from "../support/metrics.ts";
import type { TestGraph } from "../support/network.ts";

/** The smallest max_payload with which graph and edge are ready (broker/limits.ts). */
export const MIN = 16_384;
/** Bytes reserved in a message beside the event's JSON (broker/limits.ts). */
export const CARRIER_BYTES = 1_024;
export const FANOUTS: readonly FanoutMode[] = ["subject", "frames"];

/** Users with ids of the maximum length: 1,500 of them exceed a message of 64 KiB. */
export const USERS: readonly string[] = Array.from({ length: 1_500 }, (_, n) => String(n).padEnd(64, "u"));
/** Returns the number of events that all graph services together counted with this result. */
export async function countOf(graphs: readonly TestGraph[], result: string): Promise<number> {
  const counts = graphs.map(({ metrics }) => readMetric(metrics, "encke_graph_events_total", { result }));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
