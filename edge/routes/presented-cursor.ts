// The cursor that a reader brings: in the header that EventSource sends by itself, or in the query for clients that
// cannot set headers. The header wins.

import type { Context } from "hono";
import { parseCursor } from "../../broker/contract.ts";

/** event-source-polyfill writes the second; the first is spelled like our other parameters would be. */
const PARAMETERS = ["last_event_id", "lastEventId"] as const;

export interface PresentedCursor {
  /** Undefined where what came is no cursor: the reader was here before, at an unknown position. */
  readonly cursor: string | undefined;
}

/** Undefined for a reader who comes for the first time. Two values in the query that differ are no cursor. */
export function presentedCursor(c: Context): PresentedCursor | undefined {
  const header = c.req.header("Last-Event-ID");
  const given = header ? [header] : PARAMETERS.flatMap((name) => c.req.queries(name) ?? []).filter(Boolean);
  const [first, ...others] = given;
  if (first === undefined) return undefined;
  return { cursor: others.every((other) => other === first) ? parseCursor(first) : undefined };
}
