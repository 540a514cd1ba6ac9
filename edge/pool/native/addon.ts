// The addon: its types, and where it is found. Built by scripts/build-native.mjs beside this file's compiled form;
// absent where there was no compiler, and on everything but Linux.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../../lib/errors.ts";
import { projectRoot } from "../../../lib/project.ts";
import { EdgeError } from "../../errors.ts";
import type { PoolLimits } from "../pool.ts";

/** Texts, and numbers for inserts (their place in INSERTS). */
export type NativeParts = readonly (string | number)[];

/** A format as the addon takes it. */
export interface NativeFormat {
  readonly event: NativeParts;
  readonly heartbeat: NativeParts;
  /** By close reason; the insert `number` is the time to come back, `cursor` the one that the stream was sent last. */
  readonly goodbyes: readonly NativeParts[];
}

export interface NativeOptions extends PoolLimits {
  readonly comeBackMinMs: number;
  readonly comeBackSpreadMs: number;
  readonly formats: readonly NativeFormat[];
}

/** Streams that ended: the users of all in one list, and how many of them each stream has. */
export type OnEnds = (names: readonly string[], usersOf: Uint8Array) => void;

/**
 * Methods of a pool that was closed do nothing and return 0, -1 or "". So they do with a number that is none of what they
 * take (an index, a count, a handle); `open` returns an errno then. What is no number at all is a TypeError.
 */
export interface NativeHandle {
  /** 0, or an errno: then nothing is held. */
  open(
    fd: number,
    format: number,
    framing: number,
    head: string,
    opening: string,
    users: string | readonly string[],
    /** In milliseconds since 1970; infinite for never. The addon compares it with the wall clock. */
    expiresAtMs: number,
    tickMs: number,
    tickBefore: string,
    tickAfter: string,
    cursor: string,
  ): number;
  setEvent(id: string, json: string, cursor: string): void;
  /** How many streams took the event that was set; -1 where the handle has no open stream. */
  deliver(handle: number): number;
  deliverFrame(frame: Uint8Array, cursorPrefix: string): number;
  broadcast(format: number, text: string, cursor: string): void;
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
  /** Names of what `NativeHandle.figures` fills in first; the ends by reason follow. */
  readonly figures: readonly string[];
  readonly closeReasons: readonly string[];
  createPool(options: NativeOptions, onEnds: OnEnds): NativeHandle;
  /**
   * A listening descriptor with SO_REUSEPORT, or a negative errno (EINVAL for a number that is no port or backlog). `host`
   * is a numeric address without brackets.
   */
  listenFd(host: string, port: number, backlog: number): number;
  /**
   * Sets TCP_USER_TIMEOUT in milliseconds, 0 for the system's default; of a listening descriptor, for what it accepts from
   * then on. 0, or an errno.
   */
  setUserTimeout(fd: number, ms: number): number;
  /** For tests: what is set, or a negative errno. */
  userTimeout(fd: number): number;
  /** What the C library keeps of freed memory goes back to the system. About a millisecond for ten MB. */
  giveBackMemory(): void;
  /** For tests: so many allocations succeed, then all fail; any number but a count for no limit. */
  failAllocations(after: number): void;
}

/** Beside the compiled code, or beside dist/'s where TypeScript runs as it stands. */
const PLACES: readonly string[] = [
  join(dirname(fileURLToPath(import.meta.url)), "pool.node"),
  join(projectRoot, "dist", "edge", "pool", "native", "pool.node"),
];

let loaded: PoolAddon | EdgeError | undefined;

/** @throws EdgeError BAD_CONFIG where it was not built, or does not load here */
export function loadPoolAddon(): PoolAddon {
  loaded ??= tryToLoad();
  if (loaded instanceof EdgeError) throw loaded;
  return loaded;
}

/** Whether it can be had here. */
export function hasPoolAddon(): boolean {
  loaded ??= tryToLoad();
  return !(loaded instanceof EdgeError);
}

function tryToLoad(): PoolAddon | EdgeError {
  const remedy = "run `npm run build` where g++, make and python3 are, or say --pool plain";
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
