// The admin port, for orchestrators and Prometheus: liveness, readiness and metrics. It listens on loopback
// by default and shows nothing that identifies a user.

import type { Server } from "node:http";
import { Hono } from "hono";
import { EnckeError, quote } from "../../lib/errors.ts";
import { listenProblemOf } from "./listen-problems.ts";
import { route } from "./route.ts";
import { createHttpServer } from "./server.ts";

export interface AdminOptions {
  readonly host: string;
  /** 0 selects any free port. */
  readonly port: number;
  /** Returns why this process should get no work at the moment; undefined if it may. */
  readonly notReady: () => string | undefined;
  /** Returns all metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
}

export class AdminServer {
  readonly #options: AdminOptions;
  readonly #server: Server;

  constructor(options: AdminOptions) {
    this.#options = options;
    const app = new Hono();
    route(app, "/healthz", { GET: (c) => c.text("alive\n") });
    route(app, "/readyz", {
      GET(c) {
        const reason = options.notReady();
        return reason === undefined ? c.text("ready\n") : c.text(`not ready: ${reason}\n`, 503);
      },
    });
    route(app, "/metrics", {
      GET: async (c) => c.text(await options.metrics(), 200, { "Content-Type": "text/plain; version=0.0.4" }),
    });
    app.notFound((c) => {
      const message = `nothing at ${quote(c.req.path)}: try /healthz, /readyz or /metrics`;
      return c.json({ error: "NOT_FOUND", message }, 404);
    });
    this.#server = createHttpServer({ fetch: app.fetch, methods: "GET, HEAD, OPTIONS" });
  }

  /** Listens and returns the port. @throws EnckeError ADDRESS_TAKEN */
  async start(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => reject(explain(cause, host, port)));
      this.#server.listen({ host, port }, resolve);
    });
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

function explain(cause: Error, host: string, port: number): Error {
  const why = listenProblemOf(cause);
  if (why === undefined) return cause;
  return new EnckeError(
    "ADDRESS_TAKEN",
    `the admin address ${host}:${port} ${why} (${cause.message}): choose another with --admin-host or --admin-port`,
    { cause },
  );
}
