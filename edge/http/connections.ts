// The connections of an HTTP server, each with its requests that have no whole response yet. A client may send several
// requests before the first response, so whatever ends a connection (a refusal, a response that takes it over) waits for
// those before it. Holds one small object per connection, and nothing of a request after its response.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Refusal, rawRefusal, refusalOf } from "./refusal.ts";

/** How long a refused client may go on sending before its connection is closed. */
const LINGER_MS = 1_000;

const CONNECTION: unique symbol = Symbol("connection");
type HttpSocket = Socket & { [CONNECTION]?: Connection | "taken" };

interface Connection {
  readonly requests: Map<IncomingMessage, ServerResponse>;
  /** The last request, unless it and its response are whole. */
  last: IncomingMessage | undefined;
  /** What ends the connection once the responses before it are sent. */
  refusal: Refusal | undefined;
}

export interface ConnectionLimits {
  /** How long a connection may be silent before its first request; then it is closed without a reply. */
  readonly silentMs: number;
}

/** Keeps track of a server's connections, and replies to what is no HTTP. */
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
    if (connection.refusal !== undefined) return; // the parser fails again on whatever follows
    if (!socket.writable) return void socket.destroy(error);
    // load balancers and browsers open connections before they need them, and take a reply there for an error
    if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && socket.bytesRead === 0)
      return void socket.setTimeout(silentMs);
    connection.refusal = refusalOf(error);
    refuseInTurn(socket, connection, connection.refusal);
  });
}

/** The requests on a connection that have no whole response yet; none once it left HTTP. */
export function requestsOn(socket: Socket): Iterable<IncomingMessage> {
  return connectionOf(socket)?.requests.keys() ?? [];
}

/** Takes a connection out of HTTP: nothing on it gets a response any more. */
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

/** Refuses once nothing stands before the refusal: at once, or when the last response before it is sent. */
function refuseInTurn(socket: Socket, connection: Connection, refusal: Refusal): void {
  if (isTaken(socket) || !socket.writable) return;
  const { requests, last } = connection;
  const broken = last?.complete === false ? last : undefined;
  for (const request of requests.keys()) if (request !== broken) return;
  const response = broken && requests.get(broken);
  // a request whose body broke off after its response had begun has its reply already
  if (broken !== undefined && response?.headersSent !== false) return void socket.destroySoon();
  endWith(socket, rawRefusal(refusal));
}

/**
 * Sends the last bytes of a connection and closes it, at the latest after LINGER_MS: a close at once would be a reset
 * where the client is still sending, and a reset may overtake the bytes.
 */
export function endWith(socket: Socket, text: string): void {
  const closer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(closer));
  socket.end(text);
}
