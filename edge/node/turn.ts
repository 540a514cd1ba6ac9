// Waits for a response's turn on its connection. Clients of HTTP/1.1 may send further requests before the
// first response, and a response that takes the connection over (a held stream) must wait for the responses
// before it and for their bytes.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isTaken, requestsOn } from "../http/connections.ts";

/**
 * Waits until it is this response's turn on its connection and Node has sent everything before it. Undefined
 * if the connection ended or an earlier response took it over.
 */
export async function awaitTurn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Socket | undefined> {
  const { socket } = incoming;
  if (!hasConnection(socket, outgoing) && !socket.destroyed && !isTaken(socket)) {
    await firstOf([outgoing, "socket"], [socket, "close"]);
  }
  if (!hasConnection(socket, outgoing)) return undefined;
  // every request body on the connection must be consumed, or Node considers it aborted and destroys the
  // socket
  for (const request of requestsOn(socket)) request.resume();
  if (socket.writableLength > 0) await new Promise<void>((resolve) => void socket.write("", () => resolve()));
  return hasConnection(socket, outgoing) ? socket : undefined;
}

/** Returns whether the response can still use its connection. */
export function hasConnection(socket: Socket, outgoing: ServerResponse): boolean {
  return !socket.destroyed && outgoing.socket !== null;
}

/** Resolves at the first of several events and removes all listeners. */
function firstOf(...events: readonly (readonly [NodeJS.EventEmitter, string])[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const [emitter, name] of events) emitter.removeListener(name, done);
      resolve();
    };
    for (const [emitter, name] of events) emitter.once(name, done);
  });
}
