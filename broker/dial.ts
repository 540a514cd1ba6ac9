// Opens a connection to NATS. Services wait for a server that does not run yet; commands fail at once. The
// library then reconnects until the connection is closed.

import { setTimeout as delay } from "node:timers/promises";
import { type ConnectionOptions, connect, type NatsConnection } from "nats";
import { Backoff } from "../lib/backoff.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { connectError, isRefusal } from "./client-errors.ts";
import { describeServers, type NatsConfig, natsOptions } from "./nats-config.ts";
import { Reconnecting } from "./reconnecting.ts";

/** A command disconnects after two pings without a reply. A service has a ServerWatch, which is sooner. */
const PING_INTERVAL_MS = 10_000;
const DIAL_TIMEOUT_MS = 2_000;
/** Minimum time between two log lines of a service that waits for a server. */
const WAITING_LOG_MS = 5_000;

export interface ConnectOptions {
  /** Name in the server's list of connections. */
  readonly name: string;
  readonly log: Logger;
  /** Whether to wait for a server that does not run yet, as services do. */
  readonly wait: boolean;
  /** Whether this client receives what others publish, and must be back before them after an outage. */
  readonly isReceiver?: boolean;
  /** Aborts the wait. */
  readonly signal?: AbortSignal;
}

/**
 * @throws BrokerError NATS_UNREACHABLE (without `wait`, or when the credentials are refused), BAD_NATS_URL
 */
export async function dial(
  config: NatsConfig,
  { name, log, wait, isReceiver = false, signal }: ConnectOptions,
): Promise<NatsConnection> {
  const server = natsOptions(config);
  const reconnecting = new Reconnecting({ tls: server.tls !== undefined, isReceiver });
  const options: ConnectionOptions = {
    ...server,
    name,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: reconnecting.delayMs,
    pingInterval: PING_INTERVAL_MS,
    timeout: DIAL_TIMEOUT_MS,
    ignoreAuthErrorAbort: true, // a server may refuse credentials temporarily, as during their rotation
  };
  const servers = describeServers(config);
  const backoff = new Backoff(100, 1_000);
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    try {
      const nats = await connect(options);
      reconnecting.guard(nats);
      return nats;
    } catch (cause) {
      if (!wait || isRefusal(cause)) throw connectError(servers, cause);
      if (performance.now() - loggedAtMs > WAITING_LOG_MS) {
        loggedAtMs = performance.now();
        log.warn({ servers, reason: messageOf(cause) }, "waiting for NATS");
      }
    }
    await delay(backoff.nextMs(), undefined, signal === undefined ? {} : { signal });
  }
}
