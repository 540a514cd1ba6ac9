// One path, its methods, and 405 with `Allow` for every other.

import type { Handler, Hono } from "hono";

export type Methods = Readonly<Partial<Record<"GET" | "POST" | "DELETE", Handler>>>;

/** Registers the handlers of one path. GET answers HEAD too. */
export function route(app: Hono, path: string, methods: Methods): void {
  for (const [method, handler] of Object.entries(methods)) app.on(method, path, handler);
  const allow = Object.keys(methods)
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    .join(", ");
  app.all(path, (c) => {
    c.header("Allow", allow);
    return c.json({ error: "METHOD_NOT_ALLOWED", message: `${path} takes ${allow}` }, 405);
  });
}
