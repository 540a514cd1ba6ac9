// An attempt to connect that is in progress when a client closes. nats.js 2.29 (NodeTransport) closes the
// socket that it has; the one that it is opening arrives later, stays open, and keeps the process alive for
// as long as the server sends nothing. This is the one place that guards against it.

import type { Socket } from "node:net";
import type { NatsConnection } from "nats";

interface Transport {
  socket?: Socket | undefined;
}

/** Closes a connection, and any socket that its library is still opening. Idempotent. */
export async function closeWithDial(nats: NatsConnection): Promise<void> {
  const { transport } = (nats as NatsConnection & { readonly protocol: { transport?: Transport } }).protocol;
  await nats.close();
  let late = transport?.socket;
  late?.destroy();
  if (transport === undefined) return;
  Object.defineProperty(transport, "socket", {
    configurable: true,
    get: () => late,
    set(socket: Socket | undefined) {
      late = socket;
      socket?.destroy(); // the attempt then fails, and the client is closed
    },
  });
}
