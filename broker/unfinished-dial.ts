// An attempt to connect that its client has given up, because the client closed or the attempt took too long.
// nats.js 2.29 (NodeTransport) closes neither the socket that it has then nor the one that it is opening,
// which arrives later. Such a socket keeps the process alive for as long as the server sends nothing. If the
// server continues, so does the attempt, and its end then counts as the end of the present connection. This
// is the one place that guards against it.

import type { NatsConnection } from "nats";
import { type DialedSocket, type Transport, transportOf } from "./dialed.ts";

/** Closes a connection, and any socket that its library is still opening. Idempotent. */
export async function closeWithDial(nats: NatsConnection): Promise<void> {
  const transport = transportOf(nats);
  await nats.close();
  if (transport !== undefined) abandonDial(transport);
}

/** Closes the socket of an attempt, and any that it is still opening. The attempt then fails. Idempotent. */
export function abandonDial(transport: Transport): void {
  let late = transport.socket;
  late?.destroy();
  Object.defineProperty(transport, "socket", {
    configurable: true,
    get: () => late,
    set(socket: DialedSocket | undefined) {
      late = socket;
      socket?.destroy();
    },
  });
}
