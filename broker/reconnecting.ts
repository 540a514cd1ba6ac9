// Decides when the NATS client tries which server again. One per client; it holds no timer. It guards against
// two properties of nats.js 2.29 (`dodialLoop` in nats-base-client/protocol.js):
//
// - The library uses the wall clock: it stores Date.now() in a server's `lastConnect` at each attempt, and
//   makes the next attempt once Date.now() has passed `lastConnect` plus the wait. If the wall clock is set
//   back by an hour, no server that was tried before is tried for an hour.
// - It tries the first server that it was connected to first. If that one hangs, the attempt takes until its
//   timeout, although other servers are there.

import type { NatsConnection } from "nats";
import { transportOf } from "./dialed.ts";
import { abandonDial } from "./unfinished-dial.ts";

/**
 * Wait between two attempts at the same server, plus up to as much again as jitter (more over TLS, as in
 * nats.js).
 */
const WAIT_MS = 250;
/** The same for a service that receives what others publish: it must be back before them. */
const RECEIVER_WAIT_MS = 25;
const TLS_JITTER_MS = 1_000;

/** The library's record of a server; 0 stands for "never tried". */
interface TriedServer {
  lastConnect: number;
}

interface Servers {
  /** The library's own list, in the order in which they are tried. */
  getServers(): TriedServer[];
  /** The server that was tried last. */
  getCurrentServer(): TriedServer | undefined;
}

export class Reconnecting {
  readonly #waitMs: number;
  readonly #jitterMs: number;
  #nats: NatsConnection | undefined;
  #servers: Servers | undefined;

  constructor({ tls, isReceiver = false }: { readonly tls: boolean; readonly isReceiver?: boolean }) {
    this.#waitMs = isReceiver ? RECEIVER_WAIT_MS : WAIT_MS;
    this.#jitterMs = tls && !isReceiver ? TLS_JITTER_MS : this.#waitMs;
  }

  /**
   * The library's `reconnectDelayHandler`: it is called immediately before each decision whether a server is
   * due. An attempt that lies in the future was made before the clock was set back: that server counts as
   * never tried, so it is due at once. When the clock jumps forward, each server is due once before its time.
   * No other wait can be longer than the one returned: the library limits each of its pauses to it. The
   * server that was lost, or was tried in vain, is tried after all others.
   */
  readonly delayMs = (): number => {
    const now = Date.now();
    const servers = this.#servers?.getServers() ?? [];
    for (const server of servers) if (server.lastConnect > now) server.lastConnect = 0;
    const current = this.#servers?.getCurrentServer();
    const at = current === undefined ? -1 : servers.indexOf(current);
    if (at !== -1) servers.push(...servers.splice(at, 1));
    const unfinished = this.#nats && transportOf(this.#nats);
    if (unfinished !== undefined) abandonDial(unfinished);
    return this.#waitMs + Math.random() * this.#jitterMs;
  };

  /**
   * Guards a connection's servers, including those that it learns of later.
   * @throws TypeError if the library stores none
   */
  guard(nats: NatsConnection): void {
    const { protocol } = nats as NatsConnection & { readonly protocol?: { readonly servers?: Servers } };
    if (typeof protocol?.servers?.getServers !== "function")
      throw new TypeError("the nats library keeps its servers elsewhere: adapt broker/reconnecting.ts to it");
    this.#nats = nats;
    this.#servers = protocol.servers;
  }
}
