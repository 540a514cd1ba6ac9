// How a response leaves Node's HTTP for a pool: as a bare socket (plain) or as a descriptor (native).

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Framing } from "../formats/frame.ts";
import { takeConnection } from "../http/connections.ts";
import type { NativePool } from "../pool/native/native-pool.ts";
import type { SocketPool } from "../pool/plain/socket-pool.ts";
import type { StreamSpec } from "../pool/pool.ts";
import { descriptorOf } from "./descriptor.ts";
import { detachSocket } from "./detach.ts";
import { awaitTurn } from "./turn.ts";

export interface HeldResponse {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Status line and headers, including the empty line. */
  readonly head: string;
  readonly spec: StreamSpec;
  readonly framing: Framing;
}

/**
 * `gone`: the reader has left. `full`: the stream cannot be held, and another response may be sent instead.
 */
export type Holder = (response: HeldResponse) => Promise<"held" | "gone" | "full">;

export function holdSockets(pool: SocketPool): Holder {
  return async ({ incoming, outgoing, head, spec, framing }) => {
    const socket = await detachSocket(incoming, outgoing);
    if (socket === undefined) return "gone";
    pool.adopt(socket, head, spec, framing);
    return "held";
  };
}

export function holdDescriptors(pool: NativePool): Holder {
  return async ({ incoming, outgoing, head, spec, framing }) => {
    const socket = await awaitTurn(incoming, outgoing);
    if (socket === undefined) return "gone";
    if (!pool.adopt(descriptorOf(socket), head, spec, framing)) return "full";
    takeConnection(socket);
    // closes Node's descriptor only; `end` and `destroySoon` would shut down the connection that the pool now
    // uses
    socket.destroy();
    return "held";
  };
}
