// Detaches a socket from Node's HTTP server. The parser, the request and the response can then be collected,
// and what remains of the connection is the bare net.Socket: about 2.3 KB instead of the 10 KB of a held
// ServerResponse.
//
// The steps use public API except `_httpMessage`, the socket's reference to the response, which would keep it
// alive. Each step was found to be necessary on Node 20, 22 and 24:
//   setImmediate         lets the HTTP server finish with the request in this turn
//   request.socket=null  or the next step destroys the socket of every request whose body is incomplete
//   emit("close")        makes HTTP's own listeners on the socket free the parser and the message
//   allowHalfOpen=false  or a reader's FIN would never end the socket

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { requestsOn, takeConnection } from "../http/connections.ts";
import { awaitTurn, hasConnection } from "./turn.ts";

/** Silence after which the kernel probes whether the reader's machine is still reachable. */
const KEEP_ALIVE_MS = 120_000;

/**
 * Waits for the response's turn (awaitTurn), then detaches the socket. Returns undefined if the connection is
 * gone.
 */
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
