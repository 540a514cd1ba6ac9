// Ends connections of readers whose machine vanished without a FIN (a dead battery, a tunnel). TCP alone
// keeps such connections for sixteen minutes, during which the readers count as online. With
// TCP_USER_TIMEOUT, the kernel ends a connection whose peer has acknowledged nothing for that long;
// heartbeats ensure that there is something to acknowledge. Node cannot set the option, so the addon sets it
// on the listening socket, from which accepted connections inherit it, whichever pool holds them later.
// Without the addon, the plain pool detects such readers itself.

import type { Server } from "node:net";
import type { PoolAddon } from "../pool/native/addon.ts";
import { SocketPool } from "../pool/plain/socket-pool.ts";
import { descriptorOf } from "./descriptor.ts";

/**
 * Ends connections of a listening server whose peer has acknowledged nothing for `ms`. The peer of a UNIX
 * socket is on this machine and cannot vanish.
 * @param addon undefined if it is not built
 * @returns what ends them: the kernel, the pool, or neither (then the system's own limit applies)
 */
export function endVanished(
  server: Server,
  pool: object,
  ms: number,
  addon: Pick<PoolAddon, "setUserTimeout"> | undefined,
): "kernel" | "pool" | "neither" {
  if (typeof server.address() === "string") return "neither";
  if (addon?.setUserTimeout(descriptorOf(server), ms) === 0) return "kernel";
  return pool instanceof SocketPool && pool.endVanished(ms) ? "pool" : "neither";
}
