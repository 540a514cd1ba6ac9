// What one edge worker is told. Plain data, so that it travels to worker processes as JSON.

import type { FanoutMode, NatsConfig } from "../broker/index.ts";
import type { LogLevel } from "../lib/log.ts";
import { EdgeError } from "./errors.ts";

/** Where to listen: an address and port, or the path of a UNIX socket. */
export type ListenAt = { readonly host: string; readonly port: number } | { readonly path: string };

/** As long as a person may be in a tunnel, and no longer than "online" should be wrong. */
export const DEFAULT_READER_TIMEOUT_MS = 60_000;

/** How long a reader waits until its stream is certain; without that it begins all the same, with a `resync`. */
export const JOIN_MS = 1_000;

/** Who holds the sockets of open streams; native needs its addon. */
export const POOL_KINDS = ["native", "plain"] as const;
export type PoolKind = (typeof POOL_KINDS)[number];

export interface EdgeConfig {
  readonly listen: ListenAt;
  readonly nats: NatsConfig;
  readonly fanout: FanoutMode;
  readonly pool: PoolKind;
  /** Signs users' tokens; without it reading is anonymous. */
  readonly jwtKey: string | undefined;
  /** Anonymous reading, said in so many words. */
  readonly allowAnonymous: boolean;
  /** Publishing over HTTP by readers; undefined leaves it to `anonymous`. */
  readonly allowPublish: boolean | undefined;
  readonly corsOrigins: readonly string[];
  readonly maxStreams: number;
  readonly maxStreamsPerUser: number;
  /** Streams end after about so long and come back; 0 for never. */
  readonly maxStreamAgeMs: number;
  /** The longest silence on a stream before a heartbeat. */
  readonly heartbeatMs: number;
  /** A reader whose machine acknowledges nothing of what was sent for so long is gone. */
  readonly readerTimeoutMs: number;
  /** How long a drain may take. */
  readonly drainMs: number;
  readonly logLevel: LogLevel;
}

/**
 * Whether everybody may read everybody: on one machine while no key is set, or where it was said.
 * @throws EdgeError BAD_CONFIG where neither holds and there is no key
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
    `others than this machine can reach ${where}: set ENCKE_JWT_KEY so that readers need a token, or say --allow-anonymous`,
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
