// What no route takes, decided once for all: a change that another site's page asks for, and a body that is compressed.

import type { MiddlewareHandler } from "hono";
import { quote } from "../lib/errors.ts";
import { EdgeError } from "./errors.ts";
import type { Origins } from "./origins.ts";

/** Payloads are passed on as they are: a coding would reach readers who know nothing of it. */
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
