// Decides when the NATS client tries a server again. The client library uses the wall clock: nats.js 2.29
// (`dodialLoop` in nats-base-client/protocol.js) stores Date.now() in a server's `lastConnect` at each
// attempt, and makes the next attempt once Date.now() has passed `lastConnect` plus the wait. If the wall
// clock is set back by an hour, no server that was tried before is tried for an hour. This is the one place
// that guards against it. One per client; it holds no timer.

import type { NatsConnection } from "nats";

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
  getServers(): readonly TriedServer[];
}

export class Reconnecting {
  readonly #waitMs: number;
  readonly #jitterMs: number;
  #servers: Servers | undefined;

  constructor({ tls, isReceiver = false }: { readonly tls: boolean; readonly isReceiver?: boolean }) {
    this.#waitMs = isReceiver ? RECEIVER_WAIT_MS : WAIT_MS;
    this.#jitterMs = tls && !isReceiver ? TLS_JITTER_MS : this.#waitMs;
  }

  /**
   * The library's `reconnectDelayHandler`: it is called immediately before each decision whether a server is
   * due. An attempt that lies in the future was made before the clock was set back: that server counts as
   * never tried, so it is due at once. When the clock jumps forward, each server is due once before its time.
   * No other wait can be longer than the one returned: the library limits each of its pauses to it.
   */
  readonly delayMs = (): number => {
    const now = Date.now();
    for (const server of this.#servers?.getServers() ?? [])
      if (server.lastConnect > now) server.lastConnect = 0;
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
    this.#servers = protocol.servers;
  }
}
