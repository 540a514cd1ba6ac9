// Whose turn it is on a connection. HTTP/1.1 clients may send further requests before the first is answered, and a
// response that takes its connection over (a held stream) must wait for those before it, and for their bytes.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** On a socket: its requests that have not been answered yet; "taken" once it left HTTP. */
const REQUESTS: unique symbol = Symbol("requests");
type HttpSocket = Socket & { [REQUESTS]?: Set<IncomingMessage> | "taken" };

/** Last words to a client whose bytes are no HTTP, by Node's error code. */
const REFUSALS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/**
 * Keeps count of the requests on each of a server's connections, which `awaitTurn` needs, and lets a request be
 * answered although what follows it on the connection is garbage.
 */
export function trackRequests(server: Server): void {
  server.prependListener("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const socket: HttpSocket = incoming.socket;
    if (socket[REQUESTS] === "taken") return;
    const requests = socket[REQUESTS] ?? new Set<IncomingMessage>();
    socket[REQUESTS] = requests;
    requests.add(incoming);
    outgoing.once("close", () => requests.delete(incoming));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: HttpSocket) => {
    const requests = socket[REQUESTS];
    const parseError = error.code?.startsWith("HPE_") === true;
    if (parseError && requests instanceof Set && requests.size > 0) return; // those before it are still being answered
    if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy(error);
    const refusal = REFUSALS[error.code ?? ""] ?? "400 Bad Request";
    socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\n\r\n`, () => socket.destroy(error));
  });
}

/**
 * Waits until it is this response's turn on its connection and Node has sent everything before it. Undefined where the
 * connection ended meanwhile, or another response before this one took it.
 */
export async function awaitTurn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Socket | undefined> {
  const socket: HttpSocket = incoming.socket;
  if (!hasConnection(socket, outgoing) && !socket.destroyed && socket[REQUESTS] !== "taken") {
    await firstOf([outgoing, "socket"], [socket, "close"]);
  }
  if (!hasConnection(socket, outgoing)) return undefined;
  const requests = socket[REQUESTS];
  // every body on the connection must flow, or Node takes its request for aborted and destroys the socket with it
  if (requests instanceof Set) for (const request of requests) request.resume();
  if (socket.writableLength > 0) await new Promise<void>((resolve) => void socket.write("", () => resolve()));
  return hasConnection(socket, outgoing) ? socket : undefined;
}

/** Whether the response may still have its connection. */
export function hasConnection(socket: Socket, outgoing: ServerResponse): boolean {
  return !socket.destroyed && outgoing.socket !== null;
}

/** From now on the connection is no HTTP any more: whatever is still asked on it gets no answer. */
export function takeConnection(socket: Socket): void {
  (socket as HttpSocket)[REQUESTS] = "taken";
}

/** Resolves at the first of some events, and listens to none of them any more. */
function firstOf(...events: readonly (readonly [NodeJS.EventEmitter, string])[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const [emitter, name] of events) emitter.removeListener(name, done);
      resolve();
    };
    for (const [emitter, name] of events) emitter.once(name, done);
  });
}
