// Selects the pool that holds streams on Node: the native one if its addon was built, otherwise the plain
// one.

import type { PoolKind } from "../config.ts";
import { hasPoolAddon } from "../pool/native/addon.ts";
import { NativePool } from "../pool/native/native-pool.ts";
import { SocketPool } from "../pool/plain/socket-pool.ts";
import type { PoolLimits } from "../pool/pool.ts";
import { type Holder, holdDescriptors, holdSockets } from "./holders.ts";

export type HeldPool = NativePool | SocketPool;

/** The pool that is used if none was configured. */
export function defaultPoolKind(): PoolKind {
  return hasPoolAddon() ? "native" : "plain";
}

/** @throws EdgeError BAD_CONFIG for `native` if the addon was not built */
export function makeHeldPool(kind: PoolKind, limits: PoolLimits): HeldPool {
  return kind === "native" ? new NativePool(limits) : new SocketPool(limits);
}

export function holderOf(pool: HeldPool): Holder {
  return pool instanceof NativePool ? holdDescriptors(pool) : holdSockets(pool);
}
