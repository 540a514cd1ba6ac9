// Rejects requests that no route accepts: changes requested by another site's page, and compressed bodies.

import type { MiddlewareHandler } from "hono";
import { quote } from "../lib/errors.ts";
import { EdgeError } from "./errors.ts";
import type { Origins } from "./origins.ts";

/** Payloads are forwarded unchanged. A content coding would reach readers who do not expect it. */
const CODINGS: ReadonlySet<string> = new Set(["", "identity"]);

/** @throws EdgeError FOREIGN_ORIGIN, BODY_ENCODED */
export function checkRequest(origins: Origins): MiddlewareHandler {
  return (c, next) => {
    origins.checkChange(c);
    const encoding = c.req.method === "POST" ? c.req.header("Content-Encoding") : undefined;
    const codings = encoding?.split(",").map((coding) => coding.trim().toLowerCase()) ?? [];
    if (codings.every((coding) => CODINGS.has(coding))) return next();
    throw new EdgeError(
      "BODY_ENCODED",
      `Content-Encoding ${quote(encoding)}: send the body as it is, without the header`,
    );
  };
}
