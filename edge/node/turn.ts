// Whose turn it is on a connection. HTTP/1.1 clients may send further requests before the first is answered, and a
// response that takes its connection over (a held stream) must wait for those before it, and for their bytes.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isTaken, requestsOn } from "../http/connections.ts";

/**
 * Waits until it is this response's turn on its connection and Node has sent everything before it. Undefined where the
 * connection ended meanwhile, or another response before this one took it.
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
  // every body on the connection must flow, or Node takes its request for aborted and destroys the socket with it
  for (const request of requestsOn(socket)) request.resume();
  if (socket.writableLength > 0) await new Promise<void>((resolve) => void socket.write("", () => resolve()));
  return hasConnection(socket, outgoing) ? socket : undefined;
}

/** Whether the response may still have its connection. */
export function hasConnection(socket: Socket, outgoing: ServerResponse): boolean {
  return !socket.destroyed && outgoing.socket !== null;
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
