// Tracks the connections of an HTTP server, each with its requests whose response is incomplete. A client may
// send several requests before the first response, so whatever ends a connection (a refusal, or a response
// that takes it over) waits for the responses before it. Holds one small object per connection, and nothing
// of a request after its response.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Refusal, rawRefusal, refusalOf } from "./refusal.ts";

/** How long a refused client may continue to send before its connection is closed. */
const LINGER_MS = 1_000;

const CONNECTION: unique symbol = Symbol("connection");
type HttpSocket = Socket & { [CONNECTION]?: Connection | "taken" };

interface Connection {
  readonly requests: Map<IncomingMessage, ServerResponse>;
  /** The last request, until it and its response are complete. */
  last: IncomingMessage | undefined;
  /** The refusal that ends the connection once the responses before it are sent. */
  refusal: Refusal | undefined;
}

export interface ConnectionLimits {
  /** How long a connection may be silent before its first request. It is then closed without a reply. */
  readonly silentMs: number;
}

/** Tracks a server's connections, and replies to input that is not HTTP. */
export function trackConnections(server: Server, { silentMs }: ConnectionLimits): void {
  server.prependListener("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming;
    const connection = connectionOf(socket);
    if (connection === undefined) return;
    connection.requests.set(incoming, outgoing);
    connection.last = incoming;
    outgoing.once("close", () => {
      connection.requests.delete(incoming);
      if (connection.last === incoming && incoming.complete) connection.last = undefined;
      if (connection.refusal !== undefined) refuseInTurn(socket, connection, connection.refusal);
    });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const connection = connectionOf(socket);
    if (connection === undefined) return;
    if (error.code === "ECONNRESET") return void socket.destroy(error);
    if (connection.refusal !== undefined) return; // the parser fails again on everything that follows
    if (!socket.writable) return void socket.destroy(error);
    // load balancers and browsers open connections in advance, and would treat a reply on them as an error
    if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead === 0)
      return void socket.setTimeout(silentMs);
    connection.refusal = refusalOf(error);
    refuseInTurn(socket, connection, connection.refusal);
  });
}

/**
 * Returns the requests on a connection whose response is incomplete; none after the connection has left HTTP.
 */
export function requestsOn(socket: Socket): Iterable<IncomingMessage> {
  return connectionOf(socket)?.requests.keys() ?? [];
}

/** Removes a connection from HTTP: no further request on it gets a response. */
export function takeConnection(socket: Socket): void {
  (socket as HttpSocket)[CONNECTION] = "taken";
}

export function isTaken(socket: Socket): boolean {
  return (socket as HttpSocket)[CONNECTION] === "taken";
}

function connectionOf(socket: HttpSocket): Connection | undefined {
  const known = socket[CONNECTION];
  if (known === "taken") return undefined;
  const connection = known ?? { requests: new Map(), last: undefined, refusal: undefined };
  socket[CONNECTION] = connection;
  return connection;
}

/** Sends the refusal at once, or after the last response before it. */
function refuseInTurn(socket: Socket, connection: Connection, refusal: Refusal): void {
  if (isTaken(socket) || !socket.writable) return;
  const { requests, last } = connection;
  const broken = last?.complete === false ? last : undefined;
  for (const request of requests.keys()) if (request !== broken) return;
  const response = broken && requests.get(broken);
  // a request whose body was cut off after its response had begun already has its reply
  if (broken !== undefined && response?.headersSent !== false) return void socket.destroySoon();
  endWith(socket, rawRefusal(refusal));
}

/**
 * Sends the last bytes of a connection and closes it after at most LINGER_MS. Closing at once would cause a
 * reset if the client is still sending, and the reset may overtake the bytes.
 */
export function endWith(socket: Socket, text: string): void {
  const closer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(closer));
  socket.end(text);
}
