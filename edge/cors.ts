// The CORS protocol of the Fetch standard, which tells browsers which other sites' pages may read responses.
// Hono's `cors` is not used, because it replies to every OPTIONS request itself, without `Allow`, and allows
// credentials for all sites or for none.

import type { MiddlewareHandler } from "hono";
import type { Origins } from "./origins.ts";

/** Headers that a page may send in addition to those that need no permission. */
const SENT = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID";
/** Headers that a page may read in addition to those that it always may. */
const EXPOSED = "Accept-Encoding, Allow, Retry-After, WWW-Authenticate";
const MAX_AGE_S = "600";

/** Sets the headers before the route runs, so that error responses have them too. */
export function cors(origins: Origins): MiddlewareHandler {
  return (c, next) => {
    const origin = c.req.header("Origin");
    const access = origin === undefined ? undefined : origins.accessOf(origin);
    c.header("Vary", "Origin");
    if (origin !== undefined && access !== undefined) {
      c.header("Access-Control-Allow-Origin", access === "bare" ? "*" : origin);
      if (access === "credentials") c.header("Access-Control-Allow-Credentials", "true");
      c.header("Access-Control-Expose-Headers", EXPOSED);
      if (c.req.method === "OPTIONS" && c.req.header("Access-Control-Request-Method") !== undefined) {
        c.header("Access-Control-Allow-Headers", SENT);
        c.header("Access-Control-Max-Age", MAX_AGE_S);
      }
    }
    return next();
  };
}
