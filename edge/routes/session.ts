// /session turns a bearer token into an HttpOnly cookie, because EventSource cannot send headers. GET returns
// the user, and DELETE signs out.

import type { Context, Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import { bearerToken, SESSION_COOKIE } from "../auth.ts";
import { EdgeError } from "../errors.ts";
import { route } from "../http/route.ts";
import { schemeOf } from "../origins.ts";
import type { EdgeServices } from "../services.ts";

/** Lifetime of a cookie whose token does not expire. */
const MAX_AGE_S = 86_400;

export function addSessionRoute(app: Hono, services: EdgeServices): void {
  const { auth, publish, origins } = services;
  /** Pages of other sites may use the cookie only if their site is configured, and only over TLS. */
  const attributes = (c: Context): CookieOptions =>
    schemeOf(c) === "https"
      ? { path: "/", secure: true, sameSite: origins.shareCookies ? "None" : "Lax" }
      : { path: "/", sameSite: "Lax" };
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
        maxAge: Math.max(0, Math.min(leftS, MAX_AGE_S)),
        ...attributes(c),
      });
      return c.json({ user });
    },
    DELETE(c) {
      deleteCookie(c, SESSION_COOKIE, attributes(c));
      return c.body(null, 204);
    },
  });
}
