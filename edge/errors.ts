// The errors of this folder, what remote callers are told about each, and the one place that turns any error into an
// HTTP response. The text of a shown error quotes the caller's mistake and says what would be right; a hidden one is our
// own fault, is logged, and its text stays here. Codes are stable: callers match them, never the text.

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Disclosure, disclosureOf, EnckeError } from "../lib/errors.ts";

interface EdgeDisclosure extends Disclosure {
  /** Seconds after which trying again makes sense, for errors that pass; RETRY_AFTER_S where it is absent. */
  readonly retryAfterS?: number;
  /** The reason of the `goodbye` with which a stream is refused where its format refuses in words. */
  readonly goodbye?: string;
}

const DISCLOSURES = {
  // a query parameter is not of its form
  BAD_QUERY: { status: 400, shown: true },
  // the client stopped sending its body
  BODY_INCOMPLETE: { status: 400, shown: true },
  // no bearer token and no session cookie, and anonymous reading is off
  TOKEN_MISSING: { status: 401, shown: true },
  // not signed with our key, expired, or without a user
  TOKEN_INVALID: { status: 401, shown: true },
  // signed in as another user
  NOT_YOURS: { status: 403, shown: true },
  // a page of another site tries to change something, or sends a cookie
  FOREIGN_ORIGIN: { status: 403, shown: true },
  // no such path
  NOT_FOUND: { status: 404, shown: true },
  // a body in a content coding
  BODY_ENCODED: { status: 415, shown: true },
  // the user holds as many streams here as a user may
  TOO_MANY_STREAMS: { status: 429, shown: true, goodbye: "too-many-streams" },
  // this edge holds as many streams as it can
  EDGE_FULL: { status: 503, shown: true, goodbye: "full" },
  // this edge is about to stop; the next one has room at once
  EDGE_DRAINING: { status: 503, shown: true, goodbye: "drain", retryAfterS: 1 },
  // the graph does not reply, or cannot do what was asked at this moment
  GRAPH_AWAY: { status: 503, shown: true },
  // another process listens at the address
  ADDRESS_TAKEN: { status: 500, shown: false },
  // the edge cannot be started as it is configured
  BAD_CONFIG: { status: 500, shown: false },
} as const;

export type EdgeErrorCode = keyof typeof DISCLOSURES;

export class EdgeError extends EnckeError<EdgeErrorCode> {
  override get disclosure(): EdgeDisclosure {
    return DISCLOSURES[this.code];
  }
}

const RETRY_AFTER_S = 5;
const HIDDEN = { error: "INTERNAL", message: "something went wrong here; it has been logged" };

/** Headers that a status requires, or that tell what would have been accepted. */
const HEADERS: Readonly<Record<number, (retryAfterS: number) => Record<string, string>>> = {
  401: () => ({ "WWW-Authenticate": 'Bearer realm="encke"' }),
  415: () => ({ "Accept-Encoding": "identity" }),
  429: (retryAfterS) => ({ "Retry-After": String(retryAfterS) }),
  503: (retryAfterS) => ({ "Retry-After": String(retryAfterS) }),
};

/** A stream that is asked for, in a format that refuses in words. */
export interface AskedStream {
  readonly headers: Readonly<Record<string, string>>;
  goodbye(reason: string, retryMs: number): string;
}

declare module "hono" {
  interface ContextVariableMap {
    /** Set by a route before it may refuse the stream. */
    askedStream: AskedStream | undefined;
  }
}

/**
 * The response for anything thrown in a handler. A stream that is refused for now gets 200 and a goodbye where its format
 * refuses in words. An error that callers may not read is handed to `onHidden`.
 */
export function respondToError(error: Error, c: Context, onHidden: (error: Error) => void): Response {
  const { retryAfterS = RETRY_AFTER_S, goodbye } = error instanceof EdgeError ? error.disclosure : {};
  const asked = c.get("askedStream");
  if (asked !== undefined && goodbye !== undefined)
    return c.body(asked.goodbye(goodbye, comeBackMs(retryAfterS)), 200, { ...asked.headers });
  const { status, shown } = disclosureOf(error);
  if (!shown) onHidden(error);
  for (const [name, value] of Object.entries(HEADERS[status]?.(retryAfterS) ?? {})) c.header(name, value);
  const told = shown && error instanceof EnckeError ? { error: error.code, message: error.message } : HIDDEN;
  return c.json(told, status as ContentfulStatusCode);
}

/** Not before that time, and spread over as long again, so that all who were refused do not come back together. */
function comeBackMs(retryAfterS: number): number {
  return Math.floor(retryAfterS * 1000 * (1 + Math.random()));
}
