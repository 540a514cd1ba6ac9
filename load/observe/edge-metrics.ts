// An edge's counts, read from its admin port at every call; it waits no longer than ANSWER_MS.

import { CommandError } from "../../lib/command-error.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { valueIn } from "../http/scrape.ts";

/** An edge that does not answer for so long is not measured this time. */
const ANSWER_MS = 5_000;

/** What observers look at; a count that the edge does not have is NaN. */
export interface EdgeCounts {
  readonly streams: number;
  readonly delivered: number;
  readonly chunks: number;
}

/** @throws CommandError REPLIED_ERROR where nobody answers there, or not an edge */
export async function readEdgeCounts(admin: URL): Promise<EdgeCounts> {
  let text: string;
  try {
    const response = await fetch(new URL("/metrics", admin), { signal: AbortSignal.timeout(ANSWER_MS) });
    text = await response.text();
  } catch (cause) {
    throw new CommandError(
      "REPLIED_ERROR",
      `no edge's admin port at ${quote(admin.href)} (${messageOf(cause instanceof Error ? (cause.cause ?? cause) : cause)}): start an edge, or say --admin URL`,
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
    `${quote(admin.href)} shows no edge's metrics: --admin takes an edge's admin port`,
  );
}
