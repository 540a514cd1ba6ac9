// One edge: it holds readers' streams and writes to them the events that NATS delivers for their users. Owned
// by a worker process or a test. `stop` drains and closes everything that the edge opened.

import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import type { UserId } from "../broker/contract.ts";
import { BrokerClient, otherVersion } from "../broker/index.ts";
import type { Logger } from "../lib/log.ts";
import type { Metrics } from "../lib/metrics.ts";
import { assembleEdge, type EdgeParts } from "./assemble.ts";
import { loadAssets } from "./assets.ts";
import { decideAnonymous, type EdgeConfig } from "./config.ts";
import { registerMetrics } from "./metrics.ts";
import { descriptorLimit } from "./node/descriptor-limit.ts";
import { type HeldPool, holderOf, makeHeldPool } from "./node/held-pool.ts";
import { listen, listenShared } from "./node/listen.ts";
import { createNodeServer, markHeld } from "./node/server.ts";
import { endVanished } from "./node/vanished.ts";
import { hasPoolAddon, loadPoolAddon } from "./pool/native/addon.ts";
import { NativePool } from "./pool/native/native-pool.ts";
import { DEFAULT_LIMITS, type PoolLimits } from "./pool/pool.ts";
import { notReadyReason } from "./readiness.ts";

/** Descriptors reserved for everything except streams: pending requests, NATS, files. */
const RESERVED_DESCRIPTORS = 256;
/**
 * Minimum number of streams ended per second in a drain. A large edge ends as many as its deadline requires.
 */
const MIN_DRAIN_PER_SECOND = 1_000;
/**
 * Fraction of the drain's time used to end streams; the rest is left for readers to receive their last bytes.
 */
const DRAIN_PACED_PART = 0.8;

export interface EdgeOptions {
  readonly config: EdgeConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Called whenever `notReady` may have changed. */
  readonly onStatus?: () => void;
  /** Called with users whose streams were cut because their readers were slow. */
  readonly onSlow?: (users: readonly UserId[]) => void;
  /** Aborts the wait for NATS. */
  readonly signal?: AbortSignal;
}

interface Running {
  readonly client: BrokerClient;
  readonly parts: EdgeParts<HeldPool>;
  readonly server: Server;
}

export class Edge {
  readonly #options: EdgeOptions;
  readonly #id = randomBytes(8).toString("hex");
  #running: Running | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: EdgeOptions) {
    this.#options = options;
  }

  /** Returns why new readers should connect to another edge, or undefined if they may come. */
  get notReady(): string | undefined {
    if (this.#stopping !== undefined) return "draining";
    if (this.#running === undefined) return "starting";
    const { client, parts } = this.#running;
    return notReadyReason({ client, ...parts });
  }

  /** Returns the port, once started; 0 for a UNIX socket. */
  get port(): number {
    return this.#running === undefined ? 0 : this.#portOf(this.#running.server);
  }

  #portOf(server: Server): number {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /**
   * Connects to NATS, waiting for it as long as necessary, and then listens.
   * @throws EdgeError BAD_CONFIG; BrokerError if NATS refuses the credentials; Node's error if the address is
   * taken
   */
  async start(): Promise<void> {
    const { config, log, signal } = this.#options;
    const anonymous = decideAnonymous(config);
    if (config.pool === "native") loadPoolAddon(); // fails now rather than after the wait for NATS
    const client = await BrokerClient.connect(config.nats, {
      name: `encke edge ${this.#id}`,
      log,
      wait: true,
      ...(signal && { signal }),
    });
    try {
      this.#running = await this.#open(client, anonymous);
    } catch (error) {
      await client.close();
      throw error;
    }
    this.#options.onStatus?.();
  }

  /** Another worker of this edge has cut streams of these users because their readers were slow. */
  noteSlow(users: readonly UserId[]): void {
    this.#running?.parts.slowReaders.noteCuts(users);
  }

  /** Refuses new readers, ends every stream with a goodbye at a bounded rate, and closes. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #open(client: BrokerClient, anonymous: boolean): Promise<Running> {
    const { config, log, metrics, onStatus, onSlow } = this.#options;
    const pool = makeHeldPool(config.pool, limitsOf(config));
    const parts = assembleEdge({
      edgeId: this.#id,
      client,
      config: { ...config, maxStreams: Math.min(config.maxStreams, maxStreamsByDescriptors()) },
      anonymous,
      assets: loadAssets(),
      pool,
      hold: markHeld,
      onError: (error) => log.error({ err: error }, "request failed"),
      onOtherVersion: (version) => log.error(otherVersion("a graph service", version)),
      onStatus: () => onStatus?.(),
      onSlow,
    });
    const server = createNodeServer({
      app: parts.app,
      holder: holderOf(pool),
      onAbandoned: ({ users }, why) => {
        parts.fanout.leave(users);
        if (why === "full") parts.admission.noteFull();
      },
    });
    boundConnections(server, pool);
    registerMetrics(metrics, { ...parts, client, notReady: () => this.notReady });
    try {
      await parts.start();
      if (pool instanceof NativePool) await listenShared(server, config.listen, loadPoolAddon());
      else await listen(server, config.listen);
      const addon = hasPoolAddon() ? loadPoolAddon() : undefined;
      const vanishedReaders = endVanished(server, pool, config.readerTimeoutMs, addon);
      log.info({ pool: config.pool, port: this.#portOf(server), vanishedReaders }, "edge listens");
    } catch (error) {
      await parts.stop();
      throw error;
    }
    return { client, parts, server };
  }

  async #drain(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const { client, parts, server } = running;
    const { admission, pool } = parts;
    const { drainMs } = this.#options.config;
    admission.draining = true;
    this.#options.onStatus?.();
    server.close();
    server.closeIdleConnections();
    const deadlineMs = drainMs * DRAIN_PACED_PART;
    const perSecond = Math.max(MIN_DRAIN_PER_SECOND, Math.ceil((pool.size * 1000) / Math.max(1, deadlineMs)));
    await pool.drain({ perSecond, deadlineMs });
    server.closeAllConnections();
    await parts.stop();
    await client.close();
  }
}

/** Accepts connections only while descriptors remain, counting those that the pool has taken over. */
function boundConnections(server: Server, pool: HeldPool): void {
  const max = descriptorLimit() - RESERVED_DESCRIPTORS / 2;
  const left = (): number => (pool instanceof NativePool ? Math.max(1, max - pool.descriptors) : max);
  Object.defineProperty(server, "maxConnections", { get: left, configurable: true });
}

function limitsOf({ maxStreamAgeMs, heartbeatMs }: EdgeConfig): PoolLimits {
  return { ...DEFAULT_LIMITS, maxLifetimeMs: maxStreamAgeMs, heartbeatMs: heartbeatMs / 2 };
}

function maxStreamsByDescriptors(): number {
  return Math.max(1, descriptorLimit() - RESERVED_DESCRIPTORS);
}
