// /session: a bearer token becomes an HttpOnly cookie, because EventSource can send no headers. GET says who one is,
// DELETE signs out.

import type { Context, Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { route } from "../../lib/http/route.ts";
import { bearerToken, SESSION_COOKIE } from "../auth.ts";
import { EdgeError } from "../errors.ts";
import type { EdgeServices } from "../services.ts";

/** A cookie for a token without an end lasts as long as a browser lets it; ours says a day. */
const MAX_AGE_S = 86_400;

export function addSessionRoute(app: Hono, services: EdgeServices): void {
  const { auth, publish } = services;
  route(app, "/session", {
    async GET(c) {
      const { user } = await auth.reader(c);
      c.header("Cache-Control", "no-store");
      return c.json({ user: user ?? null, anonymous: user === undefined, publish });
    },
    async POST(c) {
      const token = bearerToken(c);
      if (token === undefined) {
        throw new EdgeError(
          "TOKEN_MISSING",
          "send the token as `Authorization: Bearer …` to get a session cookie for it",
        );
      }
      const { user, expiresAtMs } = await auth.verify(token);
      const leftS = expiresAtMs === undefined ? MAX_AGE_S : Math.floor((expiresAtMs - Date.now()) / 1000);
      setCookie(c, SESSION_COOKIE, token, {
        httpOnly: true,
        path: "/",
        maxAge: Math.max(0, Math.min(leftS, MAX_AGE_S)),
        // a page on another site may use the cookie only where somebody allowed that site, and only over TLS
        ...(isSecure(c)
          ? { secure: true, sameSite: services.corsOrigins.length > 0 ? "None" : "Lax" }
          : { sameSite: "Lax" }),
      });
      return c.json({ user });
    },
    DELETE(c) {
      deleteCookie(c, SESSION_COOKIE, { path: "/" });
      return c.body(null, 204);
    },
  });
}

/** Whether the browser came over TLS, here or at the proxy in front. */
function isSecure(c: Context): boolean {
  return new URL(c.req.url).protocol === "https:" || c.req.header("X-Forwarded-Proto") === "https";
}
