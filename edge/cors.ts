// The CORS protocol of the Fetch standard: tells browsers which other sites' pages may read our replies. Hono's `cors`
// answers every OPTIONS by itself, which then has no `Allow`, and gives credentials to all sites or none.

import type { MiddlewareHandler } from "hono";
import type { Origins } from "./origins.ts";

/** What a page may send beside the headers that need no permission. */
const SENT = "Authorization, Content-Type, Last-Event-ID";
/** What a page must read of a refusal beside the headers that it always may. */
const EXPOSED = "Accept-Encoding, Allow, Retry-After, WWW-Authenticate";
const MAX_AGE_S = "600";

/** Sets its headers before the route runs, so that errors have them too. */
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
