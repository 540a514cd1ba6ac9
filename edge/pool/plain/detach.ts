// Takes a socket away from Node's HTTP. After it, the parser, the request and the response are free to be collected,
// and what stays of the connection is the bare net.Socket: about 2.3 KB instead of the 10 KB of a held ServerResponse.
//
// The steps are public API except `_httpMessage` (the socket's way back to the response, which would keep it alive).
// Each was found to be needed on Node 20, 22 and 24:
//   resume()             every request's body on the connection must flow, also those pipelined behind this one, or
//                        Node takes them for aborted and destroys the socket with them
//   setImmediate         the HTTP server finishes with the request in this turn
//   emit("close")        on the socket: HTTP's own listeners free the parser and the message
//   allowHalfOpen=false  or a reader's FIN would never end the socket

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Two minutes of silence and the kernel asks whether the reader's machine is still there. */
const KEEP_ALIVE_MS = 120_000;

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
 * Keeps count of the requests on each of a server's connections, which `detachSocket` needs, and lets a request be
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
 * Waits until it is this response's turn on its connection (a pipelined request waits for those before it, and for
 * their bytes), then detaches the socket. Undefined where the connection ended meanwhile, or another response before
 * this one took it.
 */
export async function detachSocket(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Socket | undefined> {
  const socket: HttpSocket = incoming.socket;
  const isOurs = (): boolean => !socket.destroyed && outgoing.socket !== null;
  if (!isOurs() && !socket.destroyed && socket[REQUESTS] !== "taken") {
    await firstOf([outgoing, "socket"], [socket, "close"]);
  }
  if (!isOurs()) return undefined;
  const requests = socket[REQUESTS];
  if (requests instanceof Set) for (const request of requests) request.resume();
  if (socket.writableLength > 0) await new Promise<void>((resolve) => void socket.write("", () => resolve()));
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (!isOurs()) return undefined;
  outgoing.detachSocket(socket);
  socket.emit("close", false);
  socket.removeAllListeners();
  socket[REQUESTS] = "taken";
  (socket as Socket & { _httpMessage: ServerResponse | null })._httpMessage = null;
  socket.allowHalfOpen = false;
  socket.setTimeout(0);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
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
