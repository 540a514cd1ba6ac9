// An HTTP server on Node for an app of web standards. Each request's target and host are checked before
// Hono's adapter sees them, and every refusal has a JSON body. Both the edge and the admin port use it.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener, type HttpBindings, RequestError } from "@hono/node-server";
import { messageOf, quote } from "../../lib/errors.ts";
import { endWith, requestsOn, trackConnections } from "./connections.ts";
import {
  CODING_UNKNOWN,
  EXPECTATION_FAILED,
  type Refusal,
  rawRefusal,
  refuse,
  VERSION_NOT_SUPPORTED,
} from "./refusal.ts";
import { settleTarget } from "./target.ts";

export interface HttpTimeouts {
  /** Time from the first byte of a request to the end of its head; then 408. */
  readonly headMs: number;
  /** Time from the first byte of a request to its last; then 408. */
  readonly requestMs: number;
  /** Interval at which both timeouts are checked. */
  readonly checkMs: number;
  /** How long a connection may be idle, before its first request and between requests. */
  readonly idleMs: number;
}

/** Load balancers keep idle connections for 60 s and expect the server to keep them longer. */
const TIMEOUTS: HttpTimeouts = { headMs: 10_000, requestMs: 15_000, checkMs: 2_000, idleMs: 75_000 };

export interface HttpServerOptions {
  readonly fetch: (request: Request, env: HttpBindings) => Response | Promise<Response>;
  /** The methods of all paths, which are the reply to `OPTIONS *`. */
  readonly methods: string;
  readonly timeouts?: HttpTimeouts;
}

/** Creates a server that does not listen yet. */
export function createHttpServer({ fetch, methods, timeouts = TIMEOUTS }: HttpServerOptions): Server {
  const { headMs, requestMs, checkMs, idleMs } = timeouts;
  const respond = getRequestListener((request, env) => fetch(request, env as HttpBindings), {
    errorHandler: respondToFailure,
  });
  const serverOptions = {
    headersTimeout: headMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
    keepAliveTimeout: idleMs,
    requireHostHeader: false, // the refusal that Node sends has no body
  };
  const server = createServer(serverOptions, (incoming, outgoing) => {
    const refusal = refusalFor(incoming);
    if (refusal !== undefined) return refuse(incoming, outgoing, refusal);
    if (incoming.url === "*") return void outgoing.writeHead(204, { Allow: methods }).end();
    void respond(incoming, outgoing);
  });
  trackConnections(server, { silentMs: idleMs });
  server.on("checkExpectation", (incoming: IncomingMessage, outgoing: ServerResponse) =>
    refuse(incoming, outgoing, EXPECTATION_FAILED),
  );
  server.on("connect", (incoming: IncomingMessage, socket: Socket) => refuseTunnel(incoming, socket));
  return server;
}

/** Returns why a request must not reach the app; undefined if it may. */
function refusalFor(incoming: IncomingMessage): Refusal | undefined {
  if (incoming.httpVersionMajor !== 1) return VERSION_NOT_SUPPORTED;
  const coding = incoming.headers["transfer-encoding"] ?? "chunked";
  return coding.toLowerCase() === "chunked" ? settleTarget(incoming) : CODING_UNKNOWN;
}

/** Replies when the adapter cannot read the URL, or when the app failed. */
function respondToFailure(error: unknown): Response {
  if (!(error instanceof RequestError))
    return Response.json({ error: "INTERNAL", message: "something went wrong here" }, { status: 500 });
  return Response.json(
    { error: "BAD_TARGET", message: `the request's URL cannot be read (${messageOf(error)}): correct it` },
    { status: 400 },
  );
}

/** Refuses CONNECT, which asks a proxy for a tunnel. Node hands the bare connection over. */
function refuseTunnel({ method, url }: IncomingMessage, socket: Socket): void {
  const [pending] = requestsOn(socket);
  if (pending !== undefined) return void socket.destroy();
  const message = `${method} ${quote(url)}: this server is not a proxy, request a path`;
  socket.on("error", () => {}); // the client has disconnected
  socket.resume();
  endWith(socket, rawRefusal({ status: 400, error: "BAD_TARGET", message }));
}
