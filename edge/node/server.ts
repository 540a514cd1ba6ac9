// The edge on Node. Hono's adapter handles ordinary requests. A response that the app marked to be held
// leaves Node's HTTP here: this file writes its head, including every header that middleware set, and hands
// its connection to the pool.

import type { IncomingMessage, Server } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context, Hono } from "hono";
import { EdgeError, respondToError } from "../errors.ts";
import type { Framing } from "../formats/frame.ts";
import { createHttpServer } from "../http/server.ts";
import type { StreamSpec } from "../pool/pool.ts";
import type { Holder } from "./holders.ts";

interface HoldBindings extends HttpBindings {
  hold?: HeldRequest;
}

interface HeldRequest {
  readonly spec: StreamSpec;
  readonly c: Context;
  /** The headers of the stream. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Marks the response to this request to be held. Passed to the app as its `hold`. */
export function markHeld(c: Context, spec: StreamSpec, headers: Record<string, string>): Response {
  (c.env as HoldBindings).hold = { spec, c, headers };
  return c.body(null, 200, headers);
}

export interface NodeServerOptions {
  readonly app: Hono;
  /** Hands responses over to the pool. */
  readonly holder: Holder;
  /** Called for a stream that could not be held, because its reader had gone or no capacity was left. */
  readonly onAbandoned: (spec: StreamSpec, why: "gone" | "full") => void;
}

/** Creates the HTTP server. The caller starts to listen. */
export function createNodeServer({ app, holder, onAbandoned }: NodeServerOptions): Server {
  const fetchAndHold = async (request: Request, env: HoldBindings): Promise<Response> => {
    const response = await app.fetch(request, env);
    if (env.hold === undefined) return response;
    const { spec } = env.hold;
    if (response.status !== 200) {
      onAbandoned(spec, "gone"); // middleware replaced the response
      return response;
    }
    const { incoming, outgoing } = env;
    const framing = framingFor(incoming);
    const head = headOf(response, framing);
    const result = await holder({ incoming, outgoing, head, spec, framing }).catch((error: unknown) => {
      onAbandoned(spec, "gone");
      throw error;
    });
    if (result !== "held") onAbandoned(spec, result);
    return result === "full" ? refuseFull(env.hold) : RESPONSE_ALREADY_SENT;
  };
  return createHttpServer({ fetch: fetchAndHold, methods: "GET, HEAD, POST, DELETE, OPTIONS" });
}

/** Refuses as the app would: with the headers that middleware set, and without those of the stream. */
function refuseFull({ c, headers }: HeldRequest): Response {
  for (const name of Object.keys(headers)) if (name !== "Vary") c.header(name, undefined);
  const full = new EdgeError("EDGE_FULL", "this edge cannot hold another stream: try again soon");
  return respondToError(full, c, () => {});
}

/** Clients of HTTP/1.0 (nginx's default towards its upstream) do not support chunks. */
function framingFor({ httpVersionMajor, httpVersionMinor }: IncomingMessage): Framing {
  return httpVersionMajor > 1 || (httpVersionMajor === 1 && httpVersionMinor >= 1) ? "chunked" : "none";
}

function headOf(response: Response, framing: Framing): string {
  let head = "HTTP/1.1 200 OK\r\n";
  for (const [name, value] of response.headers) head += `${name}: ${value}\r\n`;
  if (framing === "chunked") head += "Transfer-Encoding: chunked\r\n";
  // a stream ends with its connection, so no response can follow
  return `${head}Date: ${new Date().toUTCString()}\r\nConnection: close\r\n\r\n`;
}
