// What the client library (nats 2.29) keeps of a connection and does not make public. The library makes one
// transport, and with it one socket, for each attempt to connect. This is the one place that knows where they
// are.

import type { Socket } from "node:net";
import type { NatsConnection } from "nats";

/**
 * Node's handle of a socket. It is not public either, but a socket's own `pause` does not stop reads, and its
 * own counters do not show how much of a long write the kernel has accepted.
 */
interface Handle {
  readStart(): void;
  readStop(): void;
  readonly writeQueueSize?: number;
}

export type DialedSocket = Socket & { readonly _handle?: Handle | null };

export interface Transport {
  socket?: DialedSocket | undefined;
}

interface Dialed {
  readonly protocol?: {
    readonly connected?: boolean;
    readonly transport?: Transport;
    readonly servers?: { length(): number };
  };
}

/** Returns the transport of the present connection, or of the last attempt to restore it. */
export function transportOf(nats: NatsConnection): Transport | undefined {
  return (nats as NatsConnection & Dialed).protocol?.transport;
}

/** Returns the socket of a connection; undefined while there is none. It is another one after a reconnect. */
export function socketOf(nats: NatsConnection): DialedSocket | undefined {
  const isConnected = (nats as NatsConnection & Dialed).protocol?.connected === true;
  return isConnected ? transportOf(nats)?.socket : undefined;
}

/** Returns the number of servers that a client can connect to, including those that it learned of. */
export function serversOf(nats: NatsConnection): number {
  return (nats as NatsConnection & Dialed).protocol?.servers?.length() ?? 1;
}
