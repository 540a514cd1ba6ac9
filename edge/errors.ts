// The errors of this folder, what remote callers are told about each, and the only code that turns an error
// into an HTTP response. The message of a shown error quotes the caller's mistake and gives the remedy. A
// hidden error is not the caller's fault: it is logged, and its message is not sent. Codes are stable;
// callers match codes, never messages.

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Disclosure, disclosureOf, EnckeError } from "../lib/errors.ts";

interface EdgeDisclosure extends Disclosure {
  /** Seconds after which a retry makes sense, for temporary errors; RETRY_AFTER_S by default. */
  readonly retryAfterS?: number;
  /** Reason in the `goodbye` that refuses a stream, for formats that can express a refusal. */
  readonly goodbye?: string;
}

const DISCLOSURES = {
  // a query parameter is malformed
  BAD_QUERY: { status: 400, shown: true },
  // the client stopped before it had sent the whole body
  BODY_INCOMPLETE: { status: 400, shown: true },
  // the request has no bearer token and no session cookie, and anonymous reading is off
  TOKEN_MISSING: { status: 401, shown: true },
  // the token was not signed with this edge's key, has expired, or names no user
  TOKEN_INVALID: { status: 401, shown: true },
  // the principal is another user
  NOT_YOURS: { status: 403, shown: true },
  // a page of another site requested a change or used a cookie
  FOREIGN_ORIGIN: { status: 403, shown: true },
  // no route matches the path
  NOT_FOUND: { status: 404, shown: true },
  // the body has a content coding
  BODY_ENCODED: { status: 415, shown: true },
  // the user has the maximum number of streams on this edge
  TOO_MANY_STREAMS: { status: 429, shown: true, goodbye: "too-many-streams" },
  // the edge holds the maximum number of streams
  EDGE_FULL: { status: 503, shown: true, goodbye: "full" },
  // so many streams wait for what their readers missed that more would only make all of them later
  EDGE_BUSY: { status: 503, shown: true, goodbye: "busy" },
  // the edge is stopping, and the next edge can take the stream at once
  EDGE_DRAINING: { status: 503, shown: true, goodbye: "drain", retryAfterS: 1 },
  // the graph does not reply, or cannot do what was requested at the moment
  GRAPH_AWAY: { status: 503, shown: true },
  // another process listens on the address
  ADDRESS_TAKEN: { status: 500, shown: false },
  // the edge cannot start with its configuration
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

/** Headers that a status requires, or that tell the client what would have been accepted. */
const HEADERS: Readonly<Record<number, (retryAfterS: number) => Record<string, string>>> = {
  401: () => ({ "WWW-Authenticate": 'Bearer realm="encke"' }),
  415: () => ({ "Accept-Encoding": "identity" }),
  429: (retryAfterS) => ({ "Retry-After": String(retryAfterS) }),
  503: (retryAfterS) => ({ "Retry-After": String(retryAfterS) }),
};

/** A requested stream whose format can express a refusal. */
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
 * Returns the response to an error that a handler threw. A temporary refusal of a stream is a 200 with a
 * goodbye, if the format can express it. Errors that must not be shown to callers are passed to `onHidden`.
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

/** Returns a time between `retryAfterS` and twice that, so that refused clients do not all return at once. */
function comeBackMs(retryAfterS: number): number {
  return Math.floor(retryAfterS * 1000 * (1 + Math.random()));
}
