// Takes a socket away from Node's HTTP. After it, the parser, the request and the response are free to be collected,
// and what stays of the connection is the bare net.Socket: about 2.3 KB instead of the 10 KB of a held ServerResponse.
//
// The steps are public API except `_httpMessage` (the socket's way back to the response, which would keep it alive).
// Each was found to be needed on Node 20, 22 and 24:
//   resume()            the request's body, if any, must flow, or the parser destroys the socket with it
//   setImmediate        the HTTP server finishes with the request in this turn
//   emit("close")       on the socket: HTTP's own listeners free the parser and the message
//   allowHalfOpen=false or a reader's FIN would never end the socket

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Two minutes of silence and the kernel asks whether the reader's machine is still there. */
const KEEP_ALIVE_MS = 120_000;

/**
 * Waits until it is this response's turn on its connection (a pipelined request waits for those before it, and for
 * their bytes), then detaches the socket. Undefined where the connection ended meanwhile.
 */
export async function detachSocket(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Socket | undefined> {
  const { socket } = incoming;
  incoming.resume();
  if (outgoing.socket === null) await firstOf([outgoing, "socket"], [socket, "close"]);
  if (outgoing.socket === null || socket.destroyed) return undefined;
  if (socket.writableLength > 0) await new Promise<void>((resolve) => void socket.write("", () => resolve()));
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (socket.destroyed || outgoing.socket === null) return undefined;
  outgoing.detachSocket(socket);
  socket.emit("close", false);
  socket.removeAllListeners();
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
