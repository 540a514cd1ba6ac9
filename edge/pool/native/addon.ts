// The types of the addon, and where it is found. scripts/build-native.mjs builds it next to this file's
// compiled form. It is absent if there was no compiler, and on every system but Linux.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../../lib/errors.ts";
import { projectRoot } from "../../../lib/project.ts";
import { EdgeError } from "../../errors.ts";
import type { PoolLimits } from "../pool.ts";

/** Literal texts, and numbers for inserts (their indexes in INSERTS). */
export type NativeParts = readonly (string | number)[];

/** A format in the form that the addon expects. */
export interface NativeFormat {
  readonly event: NativeParts;
  readonly heartbeat: NativeParts;
  readonly refresh: NativeParts;
  /**
   * Indexed by close reason. The insert `number` is the time to reconnect after, `cursor` the last cursor of
   * the stream.
   */
  readonly goodbyes: readonly NativeParts[];
  /** The same for streams without a cursor. */
  readonly bareGoodbyes: readonly NativeParts[];
}

export interface NativeOptions extends PoolLimits {
  readonly comeBackMinMs: number;
  readonly comeBackSpreadMs: number;
  /** See CORK_LIMITS. */
  readonly corkEvents: number;
  readonly corkBytes: number;
  readonly corkTotalBytes: number;
  readonly formats: readonly NativeFormat[];
}

/**
 * Ended streams: a single list of the users of all streams, and for each stream the number of its users and
 * its close reason, as an index of `closeReasons`.
 */
export type OnEnds = (names: readonly string[], usersOf: Uint8Array, reasons: Uint8Array) => void;

/**
 * Methods of a closed pool do nothing and return 0, -1, "" or undefined. The same holds for numbers that are
 * not valid (as an index, a count or a handle), except that `open` returns an errno. Other values than
 * numbers cause a TypeError.
 */
export interface NativeHandle {
  /** Returns 0 or an errno, after which nothing is held. */
  open(
    fd: number,
    format: number,
    framing: number,
    head: string,
    opening: string,
    users: string | readonly string[],
    /** Milliseconds since 1970; infinite for no expiry. The addon compares it with the wall clock. */
    expiresAtMs: number,
    tickMs: number,
    tickBefore: string,
    tickAfter: string,
    cursor: string,
    /** The number of the stream's cork, or -1. */
    cork: number,
  ): number;
  setEvent(id: string, json: string, cursor: string): void;
  /** Returns the number of streams that took the event that was set; -1 if the handle has no open stream. */
  deliver(handle: number): number;
  deliverFrame(frame: Uint8Array, stamp: number, others: string): number;
  broadcast(format: number, text: string, cursor: string): void;
  refresh(cursor: string): void;
  /**
   * Returns id, JSON and cursor of each event, one after the other; null if events were discarded; undefined
   * if there is no such cork.
   */
  takeBuffered(cork: number): readonly string[] | null | undefined;
  writeCorked(cork: number, text: string, cursor: string, events: number): number;
  waitingCorked(cork: number): number;
  uncork(cork: number): void;
  endCorked(cork: number, reason: number): void;
  finishSome(count: number, reason: number): void;
  startDraining(): void;
  close(): void;
  figures(out: Float64Array): void;
  acquire(user: string): number;
  find(user: string): number;
  nameOf(handle: number): string;
  release(handle: number): void;
}

export interface PoolAddon {
  /** Names of the first values that `NativeHandle.figures` fills in; the number of ends per reason follow. */
  readonly figures: readonly string[];
  readonly closeReasons: readonly string[];
  createPool(options: NativeOptions, onEnds: OnEnds): NativeHandle;
  /**
   * Opens a listening socket with SO_REUSEPORT. Returns its descriptor or a negative errno (EINVAL for an
   * invalid port or backlog). `host` is a numeric address without brackets.
   */
  listenFd(host: string, port: number, backlog: number): number;
  /**
   * Sets TCP_USER_TIMEOUT in milliseconds; 0 is the system's default. On a listening descriptor, it applies
   * to connections accepted from then on. Returns 0 or an errno.
   */
  setUserTimeout(fd: number, ms: number): number;
  /** For tests: returns the current value, or a negative errno. */
  userTimeout(fd: number): number;
  /**
   * Returns memory that the C library keeps after it was freed to the system. Takes about a millisecond per
   * ten MB.
   */
  giveBackMemory(): void;
  /**
   * For tests: the next `after` allocations succeed, and all later ones fail. Any value that is not a count
   * removes the limit.
   */
  failAllocations(after: number): void;
}

/** Next to the compiled code, or in dist/ if TypeScript runs directly. */
const PLACES: readonly string[] = [
  join(dirname(fileURLToPath(import.meta.url)), "pool.node"),
  join(projectRoot, "dist", "edge", "pool", "native", "pool.node"),
];

let loaded: PoolAddon | EdgeError | undefined;

/** @throws EdgeError BAD_CONFIG if the addon was not built, or cannot be loaded here */
export function loadPoolAddon(): PoolAddon {
  loaded ??= tryToLoad();
  if (loaded instanceof EdgeError) throw loaded;
  return loaded;
}

/** Returns whether the addon can be loaded. */
export function hasPoolAddon(): boolean {
  loaded ??= tryToLoad();
  return !(loaded instanceof EdgeError);
}

function tryToLoad(): PoolAddon | EdgeError {
  const remedy = "run `npm run build` where g++, make and python3 are, or pass --pool plain";
  const file = PLACES.find((place) => existsSync(place));
  if (file === undefined) return new EdgeError("BAD_CONFIG", `the native pool was not built: ${remedy}`);
  try {
    return createRequire(import.meta.url)(file) as PoolAddon;
  } catch (cause) {
    return new EdgeError("BAD_CONFIG", `the native pool does not load (${messageOf(cause)}): ${remedy}`, {
      cause,
    });
  }
}
