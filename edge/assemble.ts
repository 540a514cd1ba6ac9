// The parts of an edge, put together once for every runtime: they differ only in how streams are held and in what
// listens in front of the app.

import type { Context, Hono } from "hono";
import type { UserId } from "../broker/contract.ts";
import type { BrokerClient } from "../broker/index.ts";
import { Admission } from "./admission.ts";
import { createApp } from "./app.ts";
import { Auth } from "./auth.ts";
import type { EdgeConfig } from "./config.ts";
import type { Fanout } from "./fanout/fanout.ts";
import { FramesFanout } from "./fanout/frames.ts";
import { Readers } from "./fanout/readers.ts";
import { SubjectFanout } from "./fanout/subject.ts";
import { createGraphGate } from "./graph-gate.ts";
import { Origins } from "./origins.ts";
import type { ConnectionPool, StreamSpec } from "./pool/pool.ts";
import { Presence } from "./presence/presence.ts";
import { PresenceLog } from "./presence/presence-log.ts";
import { EventTallies } from "./presence/tallies.ts";
import type { Asset } from "./services.ts";

export type AppConfig = Pick<
  EdgeConfig,
  "fanout" | "jwtKey" | "allowPublish" | "corsOrigins" | "maxStreams" | "maxStreamsPerUser"
>;

export interface AssembleOptions<Pool extends ConnectionPool> {
  /** Unique in the fleet, for the lifetime of this process. */
  readonly edgeId: string;
  readonly client: BrokerClient;
  readonly config: AppConfig;
  /** Whether everybody may read everybody. */
  readonly anonymous: boolean;
  readonly assets: ReadonlyMap<string, Asset>;
  makePool(onEnd: (users: readonly UserId[]) => void): Pool;
  /** Answers with a response that stays open as this stream of the pool. */
  hold(pool: Pool, c: Context, spec: StreamSpec, headers: Record<string, string>): Response;
  /** Something that is not a caller's mistake. */
  onError(error: Error): void;
  /** A graph service of a release with which this edge cannot talk. */
  onOtherVersion(version: number): void;
  /** Whether new readers may come has changed. */
  onStatus(): void;
}

export interface EdgeParts<Pool extends ConnectionPool> {
  readonly app: Hono;
  readonly pool: Pool;
  readonly fanout: Fanout;
  readonly readers: Readers;
  readonly admission: Admission;
  readonly presence: Presence;
}

/** @throws EdgeError BAD_CONFIG */
export function assembleEdge<Pool extends ConnectionPool>(options: AssembleOptions<Pool>): EdgeParts<Pool> {
  const { edgeId, client, config, anonymous, onStatus } = options;
  const origins = new Origins({ corsOrigins: config.corsOrigins, anonymous });
  const auth = new Auth({ key: config.jwtKey, anonymous, origins });
  const tallies = new EventTallies();
  const pool: Pool = options.makePool((users) => fanout.leave(users));
  const onLoss = (reason: string): void => pool.resync(reason, fanout.cursor);
  const readers = new Readers(pool.table);
  const presenceLog = new PresenceLog(pool.table);
  const frames =
    config.fanout === "frames"
      ? new FramesFanout({
          pool,
          readers,
          presenceLog,
          tallies,
          announce: () => presence.announce(),
          takesFrom: (partition) => presence.takesFrom(partition),
          onLoss,
        })
      : undefined;
  const fanout: Fanout = frames ?? new SubjectFanout({ client, pool, readers, tallies, edgeId });
  const presence = new Presence({
    client,
    edgeId,
    mode: config.fanout,
    presenceLog,
    tallies,
    onCopies: (bytes) => frames?.receive(bytes),
    onAcknowledged: () => frames?.acknowledged(),
    onLoss,
    onOtherVersion: options.onOtherVersion,
    onGraph: onStatus,
  });
  const admission = new Admission(config, readers);
  const app = createApp({
    auth,
    admission,
    fanout,
    graph: createGraphGate(client),
    publish: config.allowPublish ?? anonymous,
    origins,
    assets: options.assets,
    hold: (c, spec, headers) => options.hold(pool, c, spec, headers),
    onError: options.onError,
  });
  client.onStatus(onStatus);
  return { app, pool, fanout, readers, admission, presence };
}
