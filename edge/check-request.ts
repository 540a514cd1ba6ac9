// What no route takes, decided once for all: a change that another site's page asks for.

import type { MiddlewareHandler } from "hono";
import type { Origins } from "./origins.ts";

/** @throws EdgeError FOREIGN_ORIGIN */
export function checkRequest(origins: Origins): MiddlewareHandler {
  return (c, next) => {
    origins.checkChange(c);
    return next();
  };
}
