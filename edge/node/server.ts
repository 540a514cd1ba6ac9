// The edge on Node: Hono's adaptor parses and answers ordinary requests; a response that the app marked to be held
// leaves Node's HTTP here. Its head is written by us, with every header that middleware set, and its connection goes to
// the pool.

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
  /** Those of the stream. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Marks the response of this request to be held. To be given to the app as its `hold`. */
export function markHeld(c: Context, spec: StreamSpec, headers: Record<string, string>): Response {
  (c.env as HoldBindings).hold = { spec, c, headers };
  return c.body(null, 200, headers);
}

export interface NodeServerOptions {
  readonly app: Hono;
  /** Takes responses over for the pool. */
  readonly holder: Holder;
  /** A stream that was promised could not be held: its reader was gone first, or there was no room for it. */
  readonly onAbandoned: (spec: StreamSpec, why: "gone" | "full") => void;
}

/** An HTTP server; listening, and how far, is the caller's. */
export function createNodeServer({ app, holder, onAbandoned }: NodeServerOptions): Server {
  const fetchAndHold = async (request: Request, env: HoldBindings): Promise<Response> => {
    const response = await app.fetch(request, env);
    if (env.hold === undefined) return response;
    const { spec } = env.hold;
    if (response.status !== 200) {
      onAbandoned(spec, "gone"); // middleware made something else of it
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

/** Refuses as the app would have: with the headers that middleware set, and without the stream's. */
function refuseFull({ c, headers }: HeldRequest): Response {
  for (const name of Object.keys(headers)) if (name !== "Vary") c.header(name, undefined);
  const full = new EdgeError("EDGE_FULL", "this edge has no room for another stream: try again soon");
  return respondToError(full, c, () => {});
}

/** HTTP/1.0 clients (nginx's default towards its upstream) know no chunks. */
function framingFor({ httpVersionMajor, httpVersionMinor }: IncomingMessage): Framing {
  return httpVersionMajor > 1 || (httpVersionMajor === 1 && httpVersionMinor >= 1) ? "chunked" : "none";
}

function headOf(response: Response, framing: Framing): string {
  let head = "HTTP/1.1 200 OK\r\n";
  for (const [name, value] of response.headers) head += `${name}: ${value}\r\n`;
  if (framing === "chunked") head += "Transfer-Encoding: chunked\r\n";
  // nothing can follow a stream on its connection
  return `${head}Date: ${new Date().toUTCString()}\r\nConnection: close\r\n\r\n`;
}
