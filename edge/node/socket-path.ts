// Claims the path of a UNIX socket before a server binds it. A killed process leaves its socket's file
// behind, which blocks every later bind. A file on which nothing listens is therefore removed, and no other
// file ever is. Two processes that start at the same moment must not remove each other's file, so a lock that
// the kernel releases automatically is held while the server listens.

import { createHash } from "node:crypto";
import { type Stats, statSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname } from "node:path";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { EdgeError } from "../errors.ts";

/**
 * Maximum length of a path in an address with its terminating zero (unix(7)). libuv truncates longer paths
 * silently.
 */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;
/** A listener that does not accept within this time is still considered present. */
const CONNECT_MS = 1_000;

/**
 * Ensures that a socket can be bound at a path and that no other Encke binds it. Returns the function that
 * releases the path.
 * @throws EdgeError BAD_CONFIG for a path that cannot hold a socket, ADDRESS_TAKEN for one that is in use
 */
export async function claimSocketPath(path: string): Promise<() => void> {
  checkForm(path);
  const lock = await lockPath(path);
  try {
    await removeStale(path);
  } catch (error) {
    lock?.close();
    throw error;
  }
  return () => void lock?.close();
}

function checkForm(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES)
    throw new EdgeError(
      "BAD_CONFIG",
      `--listen ${quote(`unix:${path}`)}: the path has ${bytes} bytes, a socket's path at most ${MAX_PATH_BYTES}: choose a shorter one`,
    );
  if (path.includes("\0"))
    throw new EdgeError("BAD_CONFIG", `--listen ${quote(`unix:${path}`)}: a path cannot hold a zero byte`);
}

/**
 * Holds a name in Linux' abstract namespace that is derived from the folder's identity, whatever path leads
 * to it. Undefined on systems without such a namespace, where only the check of the file protects.
 */
async function lockPath(path: string): Promise<Server | undefined> {
  if (process.platform !== "linux") return undefined;
  const { dev, ino } = folderOf(path);
  const lock = createServer((socket) => socket.destroy());
  const name = createHash("sha256")
    .update(`${dev}/${ino}/${basename(path)}`)
    .digest("hex");
  await new Promise<void>((resolve, reject) => {
    lock.once("error", (cause) => {
      reject(codeOf(cause) === "EADDRINUSE" ? taken(path, "another Encke listens there", cause) : cause);
    });
    lock.listen(`\0encke-${name}`, resolve);
  });
  return lock.unref();
}

function folderOf(path: string): Stats {
  const folder = dirname(path);
  try {
    return statSync(folder);
  } catch (cause) {
    throw new EdgeError(
      "BAD_CONFIG",
      `--listen ${quote(`unix:${path}`)}: its folder ${quote(folder)} cannot be used (${messageOf(cause)}): make it, or choose another`,
      { cause },
    );
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw taken(path, messageOf(error), error);
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw taken(path, "it is not a socket, and was not removed");
  const problem = await problemOfConnecting(path);
  if (problem === undefined) throw taken(path, "a process listens there");
  if (codeOf(problem) === "ENOENT") return; // another process has removed it
  if (codeOf(problem) !== "ECONNREFUSED")
    throw taken(
      path,
      `it cannot be determined whether a process listens there (${messageOf(problem)})`,
      problem,
    );
  const still = await lstat(path).catch(() => undefined); // undefined if it has been removed
  if (still?.ino === found.ino && still.dev === found.dev && still.ctimeMs === found.ctimeMs)
    await unlink(path);
}

/** Returns why no process accepts connections at a socket; undefined if one does. */
function problemOfConnecting(path: string): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (problem: Error | undefined): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(CONNECT_MS, () => done(undefined));
    socket.once("connect", () => done(undefined)).once("error", done);
  });
}

function taken(path: string, why: string, cause?: unknown): EdgeError {
  return new EdgeError("ADDRESS_TAKEN", `${path} is taken: ${why}; choose another with --listen`, { cause });
}
