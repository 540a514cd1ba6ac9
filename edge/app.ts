// The edge's HTTP interface: a Hono app that uses only web standards, so that it runs on Node, Bun, Deno and
// workers. It authenticates, validates and routes requests. Holding the streams is left to the runtime
// (services.ts).

import { Hono } from "hono";
import { quote } from "../lib/errors.ts";
import { checkRequest } from "./check-request.ts";
import { cors } from "./cors.ts";
import { EdgeError, respondToError } from "./errors.ts";
import { route } from "./http/route.ts";
import { addGraphRoutes } from "./routes/graph.ts";
import { addSessionRoute } from "./routes/session.ts";
import { addStreamRoute } from "./routes/stream.ts";
import { addTestRoute } from "./routes/test.ts";
import type { EdgeServices } from "./services.ts";

/** The live page may load only what this edge serves. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

export function createApp(services: EdgeServices): Hono {
  const app = new Hono();
  app.use(cors(services.origins), checkRequest(services.origins));
  addStreamRoute(app, services);
  addTestRoute(app, services);
  addSessionRoute(app, services);
  addGraphRoutes(app, services);
  for (const [path, asset] of services.assets) {
    route(app, path, {
      GET: (c) =>
        c.body(asset.body, 200, {
          "Content-Type": asset.contentType,
          "Content-Security-Policy": PAGE_POLICY,
          "Cache-Control": "no-cache",
          "X-Content-Type-Options": "nosniff",
          "Referrer-Policy": "no-referrer",
        }),
    });
  }
  app.notFound((c) => {
    const missing = new EdgeError("NOT_FOUND", `nothing at ${quote(c.req.path)}: try /, /stream or /test/42`);
    return respondToError(missing, c, services.onError);
  });
  app.onError((error, c) => respondToError(error, c, services.onError));
  return app;
}
