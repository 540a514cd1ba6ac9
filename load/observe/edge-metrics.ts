// The counts of an edge, read from its admin port at every call, with a timeout of ANSWER_MS.

import { CommandError } from "../../lib/command-error.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { valueIn } from "../http/scrape.ts";

/** If an edge does not reply within this time, the sample is skipped. */
const ANSWER_MS = 5_000;

/** The counts that observers use. A count that the edge does not report is NaN. */
export interface EdgeCounts {
  readonly streams: number;
  readonly delivered: number;
  readonly chunks: number;
}

/** Reads the counts. @throws CommandError REPLIED_ERROR if the port does not reply or is not an edge's */
export async function readEdgeCounts(admin: URL): Promise<EdgeCounts> {
  let text: string;
  try {
    const response = await fetch(new URL("/metrics", admin), { signal: AbortSignal.timeout(ANSWER_MS) });
    text = await response.text();
  } catch (cause) {
    throw new CommandError(
      "REPLIED_ERROR",
      `no edge replies at the admin port ${quote(admin.href)} (${messageOf(cause instanceof Error ? (cause.cause ?? cause) : cause)}): start an edge, or use --admin URL`,
      { cause },
    );
  }
  const count = (name: string): number => valueIn(text, `encke_edge_${name}`);
  const counts = {
    streams: count("streams"),
    delivered: count("delivered_total"),
    chunks: count("chunks_total"),
  };
  if (!Number.isNaN(counts.streams)) return counts;
  throw new CommandError(
    "REPLIED_ERROR",
    `${quote(admin.href)} does not serve an edge's metrics: --admin takes the URL of an edge's admin port`,
  );
}
