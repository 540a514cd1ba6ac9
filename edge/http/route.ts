// Registers one path and its methods. OPTIONS lists them in `Allow`, and every other method gets a 405 with
// the same list.

import type { Handler, Hono } from "hono";

export type Methods = Readonly<Partial<Record<"GET" | "POST" | "DELETE", Handler>>>;

/** Registers the handlers of one path. GET also serves HEAD. */
export function route(app: Hono, path: string, methods: Methods): void {
  for (const [method, handler] of Object.entries(methods)) app.on(method, path, handler);
  const allow = [...Object.keys(methods), "OPTIONS"]
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    .join(", ");
  app.on("OPTIONS", path, (c) => {
    c.header("Allow", allow);
    // a browser's preflight reads this list instead
    if (c.req.header("Access-Control-Request-Method") !== undefined)
      c.header("Access-Control-Allow-Methods", allow);
    return c.body(null, 204);
  });
  app.all(path, (c) => {
    c.header("Allow", allow);
    return c.json({ error: "METHOD_NOT_ALLOWED", message: `${path} takes ${allow}` }, 405);
  });
}
