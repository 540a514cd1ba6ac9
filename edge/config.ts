// The configuration of one edge worker. It is plain data, so that the supervisor can send it to worker
// processes as JSON.

import type { FanoutMode, NatsConfig } from "../broker/index.ts";
import type { LogLevel } from "../lib/log.ts";
import { EdgeError } from "./errors.ts";

/** An address and port to listen on, or the path of a UNIX socket. */
export type ListenAt = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Long enough that a connection survives a train's tunnel, and short enough that a vanished reader soon stops
 * counting as online.
 */
export const DEFAULT_READER_TIMEOUT_MS = 60_000;

/**
 * Maximum wait until a stream is known to receive every event. After it, the stream starts anyway, with a
 * `resync`.
 */
export const JOIN_MS = 5_000;

/** Implementations that hold the sockets of open streams; `native` needs the addon. */
export const POOL_KINDS = ["native", "plain"] as const;
export type PoolKind = (typeof POOL_KINDS)[number];

export interface EdgeConfig {
  readonly listen: ListenAt;
  readonly nats: NatsConfig;
  readonly fanout: FanoutMode;
  readonly pool: PoolKind;
  /** Signs users' tokens. If undefined, reading is anonymous. */
  readonly jwtKey: string | undefined;
  /** Whether anonymous reading was enabled explicitly. */
  readonly allowAnonymous: boolean;
  /** Whether readers may publish over HTTP; undefined allows it exactly if reading is anonymous. */
  readonly allowPublish: boolean | undefined;
  readonly corsOrigins: readonly string[];
  readonly maxStreams: number;
  readonly maxStreamsPerUser: number;
  /** Approximate lifetime of a stream, after which its reader reconnects; 0 for unlimited. */
  readonly maxStreamAgeMs: number;
  /** Maximum silence on a stream before a heartbeat. */
  readonly heartbeatMs: number;
  /** A reader whose machine acknowledges nothing for this long is considered gone. */
  readonly readerTimeoutMs: number;
  /** Maximum duration of a drain. */
  readonly drainMs: number;
  readonly logLevel: LogLevel;
}

/**
 * Returns whether anonymous reading is allowed: either it was enabled explicitly, or no key is set and the
 * edge listens on loopback.
 * @throws EdgeError BAD_CONFIG if neither holds and no key is set
 */
export function decideAnonymous({
  listen,
  jwtKey,
  allowAnonymous,
}: Pick<EdgeConfig, "listen" | "jwtKey" | "allowAnonymous">): boolean {
  if (allowAnonymous) return true;
  if (jwtKey !== undefined) return false;
  if ("host" in listen && isLoopback(listen.host)) return true;
  const where = "host" in listen ? listen.host : listen.path;
  throw new EdgeError(
    "BAD_CONFIG",
    `other machines can reach ${where}: set ENCKE_JWT_KEY so that readers need a token, or pass --allow-anonymous`,
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
