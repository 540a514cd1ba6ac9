// What can go wrong at the edge, and the one place that turns it into HTTP. Answers to mistakes of the caller quote
// the mistake and say what would be right; answers to ours say nothing of our inside.

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { BrokerError } from "../broker/contract.ts";
import { EnckeError } from "../lib/errors.ts";

export type EdgeErrorCode =
  | "TOKEN_MISSING" // no bearer token, no session cookie, and anonymous reading is off
  | "TOKEN_INVALID" // not signed with our key, expired, or without a user
  | "NOT_YOURS" // signed in as somebody else
  | "FOREIGN_ORIGIN" // a page of another site tries to change something, or brought a cookie along
  | "BAD_QUERY" // a query parameter is not of its form
  | "BODY_INCOMPLETE" // the client stopped sending its body
  | "BODY_ENCODED" // a body in a content coding
  | "TOO_MANY_STREAMS" // this user holds as many streams as one may
  | "EDGE_FULL" // this edge holds as many streams as it can
  | "EDGE_DRAINING" // this edge is about to stop
  | "NOT_FOUND" // no such page
  | "GRAPH_AWAY" // the graph does not answer
  | "ADDRESS_TAKEN" // somebody else listens there
  | "BAD_CONFIG"; // the edge cannot be started as it is configured

export class EdgeError extends EnckeError<EdgeErrorCode> {
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(code: EdgeErrorCode, message: string, options: ErrorOptions & { retryAfter?: number } = {}) {
    super(code, message, options);
    this.retryAfter = options.retryAfter;
  }
}

const STATUS: Readonly<Record<string, ContentfulStatusCode>> = {
  BAD_TOPIC: 400,
  BAD_USER: 400,
  BAD_QUERY: 400,
  BODY_INCOMPLETE: 400,
  TOKEN_MISSING: 401,
  TOKEN_INVALID: 401,
  NOT_YOURS: 403,
  FOREIGN_ORIGIN: 403,
  NOT_FOUND: 404,
  PAYLOAD_TOO_LARGE: 413,
  BODY_ENCODED: 415,
  TOO_MANY_STREAMS: 429,
  EDGE_FULL: 503,
  EDGE_DRAINING: 503,
  GRAPH_AWAY: 503,
  NO_RESPONDERS: 503,
  REQUEST_TIMEOUT: 503,
  ONLY_STREAM_REPLIED: 503,
  NATS_DISCONNECTED: 503,
};

/**
 * Why a stream is refused for now, in the words of its `goodbye`. Where the stream's format refuses in words, the reply
 * is 200 with these; else it is the status above.
 */
const GOODBYE: Readonly<Record<string, string>> = {
  TOO_MANY_STREAMS: "too-many-streams",
  EDGE_FULL: "full",
  EDGE_DRAINING: "drain",
};

/** How long to stay away where an error does not say it, in seconds. */
const RETRY_AFTER = 5;

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

/** The response for anything thrown in a handler; what is not ours to explain is handed to `onUnknown`. */
export function respondToError(error: Error, c: Context, onUnknown: (error: Error) => void): Response {
  const ours = error instanceof EdgeError || error instanceof BrokerError ? error : undefined;
  const status = ours === undefined ? 500 : (STATUS[ours.code] ?? 500);
  const retryAfter = (ours instanceof EdgeError ? ours.retryAfter : undefined) ?? RETRY_AFTER;
  const asked = c.get("askedStream");
  const goodbye = ours === undefined ? undefined : GOODBYE[ours.code];
  if (asked !== undefined && goodbye !== undefined)
    return c.body(asked.goodbye(goodbye, comeBackMs(retryAfter)), 200, { ...asked.headers });
  if (ours === undefined || status === 500) onUnknown(error);
  if (status === 401) c.header("WWW-Authenticate", 'Bearer realm="encke"');
  if (status === 415) c.header("Accept-Encoding", "identity");
  if (status === 429 || status === 503) c.header("Retry-After", String(retryAfter));
  const text =
    status === 500 || ours === undefined ? "something went wrong here; it has been logged" : ours.message;
  return c.json(
    { error: ours === undefined || status === 500 ? "INTERNAL" : ours.code, message: text },
    status,
  );
}

/** Not before that time, and spread over as long again, so that all who were refused do not come back together. */
function comeBackMs(retryAfterS: number): number {
  return Math.floor(retryAfterS * 1000 * (1 + Math.random()));
}
