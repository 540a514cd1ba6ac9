// The cursor that a reader presents, in the header that EventSource sends automatically or in the query, for
// clients that cannot set headers. The header takes precedence.

import type { Context } from "hono";

/** The first name is in the style of the other parameters; event-source-polyfill sends the second. */
const PARAMETERS = ["last_event_id", "lastEventId"] as const;

export interface PresentedCursor {
  /** As it was presented. Undefined if the query holds several: the reader was here before, but where? */
  readonly cursor: string | undefined;
}

/** Returns undefined for a new reader. Two different values in the query do not count as a cursor. */
export function presentedCursor(c: Context): PresentedCursor | undefined {
  const header = c.req.header("Last-Event-ID");
  const given = header ? [header] : PARAMETERS.flatMap((name) => c.req.queries(name) ?? []).filter(Boolean);
  const [first, ...others] = given;
  if (first === undefined) return undefined;
  return { cursor: others.every((other) => other === first) ? first : undefined };
}
