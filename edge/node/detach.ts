// Takes a socket away from Node's HTTP. After it, the parser, the request and the response are free to be collected,
// and what stays of the connection is the bare net.Socket: about 2.3 KB instead of the 10 KB of a held ServerResponse.
//
// The steps are public API except `_httpMessage` (the socket's way back to the response, which would keep it alive).
// Each was found to be needed on Node 20, 22 and 24:
//   setImmediate         the HTTP server finishes with the request in this turn
//   request.socket=null  or the next step destroys the socket with every request whose body is not complete
//   emit("close")        on the socket: HTTP's own listeners free the parser and the message
//   allowHalfOpen=false  or a reader's FIN would never end the socket

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { requestsOn, takeConnection } from "../http/connections.ts";
import { awaitTurn, hasConnection } from "./turn.ts";

/** Two minutes of silence and the kernel asks whether the reader's machine is still there. */
const KEEP_ALIVE_MS = 120_000;

/** Waits for the response's turn (awaitTurn), then detaches the socket. Undefined where the connection is gone. */
export async function detachSocket(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Socket | undefined> {
  const socket = await awaitTurn(incoming, outgoing);
  if (socket === undefined) return undefined;
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (!hasConnection(socket, outgoing)) return undefined;
  outgoing.detachSocket(socket);
  for (const request of requestsOn(socket)) (request as { socket: Socket | null }).socket = null;
  socket.emit("close", false);
  socket.removeAllListeners();
  takeConnection(socket);
  (socket as Socket & { _httpMessage: ServerResponse | null })._httpMessage = null;
  socket.allowHalfOpen = false;
  socket.setTimeout(0);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}
