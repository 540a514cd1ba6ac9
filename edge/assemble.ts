// Constructs the parts of an edge and connects them. This is the same for every runtime; runtimes differ only
// in how they hold streams and in the server in front of the app.

import type { Context, Hono } from "hono";
import { StreamPosition } from "../broker/contract.ts";
import type { BrokerClient, Served } from "../broker/index.ts";
import { Admission } from "./admission.ts";
import { createApp } from "./app.ts";
import { Auth } from "./auth.ts";
import type { EdgeConfig } from "./config.ts";
import type { Fanout } from "./fanout/fanout.ts";
import { FramesFanout } from "./fanout/frames.ts";
import { Readers } from "./fanout/readers.ts";
import { SubjectFanout } from "./fanout/subject.ts";
import { createGraphGate } from "./graph-gate.ts";
import { Inbox } from "./inbox.ts";
import { Origins } from "./origins.ts";
import type { ConnectionPool, StreamSpec } from "./pool/pool.ts";
import { Presence } from "./presence/presence.ts";
import { PresenceLog } from "./presence/presence-log.ts";
import { EventTallies } from "./presence/tallies.ts";
import type { Asset } from "./services.ts";
import { serveStatus } from "./status-service.ts";

export type AppConfig = Pick<
  EdgeConfig,
  "fanout" | "jwtKey" | "allowPublish" | "corsOrigins" | "maxStreams" | "maxStreamsPerUser"
>;

export interface AssembleOptions<Pool extends ConnectionPool> {
  /** Unique among all edges for the lifetime of this process. */
  readonly edgeId: string;
  readonly client: BrokerClient;
  readonly config: AppConfig;
  /** Whether any reader may read any user's events. */
  readonly anonymous: boolean;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly pool: Pool;
  /** Returns a response that stays open as this stream of the pool. */
  hold(c: Context, spec: StreamSpec, headers: Record<string, string>): Response;
  /** Called for an error that is not the caller's mistake. */
  onError(error: Error): void;
  /** Called when a graph service uses a version of the protocol that this edge does not support. */
  onOtherVersion(version: number): void;
  /** Called when the edge may have started or stopped accepting new readers. */
  onStatus(): void;
}

export interface EdgeParts<Pool extends ConnectionPool> {
  readonly app: Hono;
  readonly pool: Pool;
  readonly fanout: Fanout;
  readonly readers: Readers;
  readonly admission: Admission;
  readonly presence: Presence;
  /** Subscribes to messages from the graph, then announces this edge. */
  start(): Promise<void>;
  /**
   * Tells the graph that this edge leaves, and receives nothing more. Idempotent. It does not end the streams
   * of the pool.
   */
  stop(): Promise<void>;
}

/** @throws EdgeError BAD_CONFIG */
export function assembleEdge<Pool extends ConnectionPool>(options: AssembleOptions<Pool>): EdgeParts<Pool> {
  const { edgeId, client, config, anonymous, pool, hold, onError, onOtherVersion, onStatus } = options;
  const { fanout: mode } = config;
  const origins = new Origins({ corsOrigins: config.corsOrigins, anonymous });
  const auth = new Auth({ key: config.jwtKey, anonymous, origins });
  const tallies = new EventTallies();
  const position = new StreamPosition();
  const readers = new Readers(pool.table);
  const presence = new Presence({
    ...{ client, edgeId, mode, log: new PresenceLog(pool.table) },
    onLoss: (reason) => pool.resync(reason, position.cursor),
    onOtherVersion,
    onGraph: onStatus,
  });
  const frames =
    mode === "frames" ? new FramesFanout({ pool, readers, presence, tallies, position }) : undefined;
  const fanout = frames ?? new SubjectFanout({ client, pool, readers, tallies, position });
  pool.onEnd((users) => fanout.leave(users));
  const inbox = new Inbox({ client, edgeId, presence, tallies, frames });
  const admission = new Admission(config, readers);
  const app = createApp({
    ...{ auth, admission, fanout, position, origins, hold, onError },
    graph: createGraphGate(client),
    publish: config.allowPublish ?? anonymous,
    assets: options.assets,
  });
  client.onStatus(onStatus);
  let service: Served | undefined;
  return {
    ...{ app, pool, fanout, readers, admission, presence },
    start() {
      inbox.start();
      service = serveStatus({ client, edgeId, mode, pool, admission, presence });
      return presence.start();
    },
    async stop() {
      presence.stop();
      inbox.stop();
      await service?.stop();
    },
  };
}
