// Constructs the parts of an edge and connects them. This is the same for every runtime; runtimes differ only
// in how they hold streams and in the server in front of the app.

import type { Context, Hono } from "hono";
import type { UserId } from "../broker/contract.ts";
import type { BrokerClient, Served } from "../broker/index.ts";
import { Admission } from "./admission.ts";
import { createApp } from "./app.ts";
import { Auth } from "./auth.ts";
import type { EdgeConfig } from "./config.ts";
import type { Fanout, FanoutCounts } from "./fanout/fanout.ts";
import { FrameReceiver } from "./fanout/frame-receiver.ts";
import { FramesFanout } from "./fanout/frames.ts";
import { Gathered } from "./fanout/gathered.ts";
import { HeldCopies } from "./fanout/held-copies.ts";
import { LiveHoles } from "./fanout/live-holes.ts";
import { Progress } from "./fanout/progress.ts";
import { Readers } from "./fanout/readers.ts";
import { createSubjectFanout } from "./fanout/subject.ts";
import { createGraphGate } from "./graph-gate.ts";
import { Inbox } from "./inbox.ts";
import { Origins } from "./origins.ts";
import type { ConnectionPool, StreamSpec } from "./pool/pool.ts";
import { Presence } from "./presence/presence.ts";
import { PresenceLog } from "./presence/presence-log.ts";
import { EventTallies } from "./presence/tallies.ts";
import { ResyncCounts } from "./resync-counts.ts";
import { ReplayRequests } from "./seam/replay-requests.ts";
import { Seams } from "./seam/seams.ts";
import type { Asset } from "./services.ts";
import { SlowReaders } from "./slow-readers.ts";
import { serveStatus } from "./status-service.ts";

/** Interval at which quiet streams may be sent a new cursor. */
const REFRESH_MS = 1_000;

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
  hold(c: Context, spec: StreamSpec, headers: Record<string, string>): Response | Promise<Response>;
  /** Called for an error that is not the caller's mistake. */
  onError(error: Error): void;
  /** Called when a graph service uses a version of the protocol that this edge does not support. */
  onOtherVersion(version: number): void;
  /** Called when the edge may have started or stopped accepting new readers. */
  onStatus(): void;
  /** Called with users whose streams were cut as slow, for the edge's other workers. */
  readonly onSlow?: ((users: readonly UserId[]) => void) | undefined;
}

export interface EdgeParts<Pool extends ConnectionPool> {
  readonly app: Hono;
  readonly pool: Pool;
  readonly fanout: Fanout;
  readonly counts: FanoutCounts;
  readonly resyncs: ResyncCounts;
  readonly readers: Readers;
  readonly admission: Admission;
  readonly presence: Presence;
  readonly seams: Seams;
  readonly slowReaders: SlowReaders;
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
  const progress = new Progress();
  const gathered = new Gathered(progress);
  const counts: FanoutCounts = { messages: 0, rejected: 0 };
  const readers = new Readers(pool.table);
  const resyncs = new ResyncCounts();
  const holes = new LiveHoles({ pool, progress, resyncs });
  const presence = new Presence({
    ...{ client, edgeId, mode, progress },
    log: new PresenceLog(pool.table, (handle) => gathered.release(handle)),
    onDivided: () => holes.report({ reason: "unknown-cursor" }),
    onOtherVersion,
    onGraph: onStatus,
  });
  const requests = new ReplayRequests({ client, edgeId, progress, presenceEpoch: () => presence.epoch });
  const seams = new Seams({ requests, pool, progress, presence, resyncs });
  const shared = { client, edgeId, pool, readers, tallies, progress, counts, requests, holes };
  const copies = mode === "subject" ? new HeldCopies(shared) : undefined;
  const fanout =
    copies === undefined ? new FramesFanout(readers, presence) : createSubjectFanout({ ...shared, copies });
  const frames = new FrameReceiver({ ...shared, presence, gathered, seams, copies });
  const slowReaders = new SlowReaders({ tell: options.onSlow });
  pool.onEnd((users, reason) => {
    fanout.leave(users);
    slowReaders.noteEnd(users, reason);
  });
  const inbox = new Inbox({ client, edgeId, presence, tallies, frames, progress });
  const admission = new Admission(config, readers, seams);
  const app = createApp({
    ...{ auth, admission, fanout, seams, slowReaders, origins, hold, onError },
    graph: createGraphGate(client),
    publish: config.allowPublish ?? anonymous,
    assets: options.assets,
  });
  client.onStatus(onStatus);
  let service: Served | undefined;
  let refresher: ReturnType<typeof setInterval> | undefined;
  return {
    ...{ app, pool, fanout, counts, resyncs, readers, admission, presence, seams, slowReaders },
    start() {
      inbox.start();
      refresher = setInterval(() => {
        if (progress.positions.isComplete) pool.refresh(progress.cursor());
      }, REFRESH_MS);
      service = serveStatus({ client, edgeId, mode, pool, admission, presence });
      return presence.start();
    },
    async stop() {
      presence.stop();
      seams.stop();
      slowReaders.stop();
      inbox.stop();
      clearInterval(refresher);
      await service?.stop();
    },
  };
}
