// The path of a UNIX socket, claimed before a server binds it. A process that was killed leaves its socket's file behind,
// which blocks every later bind: one on which nothing listens is removed, and nothing else ever is. Two starts at the same
// moment must not remove each other's, so a lock that the kernel gives back by itself is held for as long as we listen.

import { createHash } from "node:crypto";
import { type Stats, statSync } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname } from "node:path";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { EdgeError } from "../errors.ts";

/** What fits into an address with the zero behind it (unix(7)); libuv cuts a longer path without a word. */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;
/** A listener that does not even accept within so long is there all the same. */
const CONNECT_MS = 1_000;

/**
 * Makes sure that a socket can be bound at a path and that no other Encke does. Returns the function that gives it back.
 * @throws EdgeError BAD_CONFIG for a path that can hold no socket, ADDRESS_TAKEN for one that holds something
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
      `--listen ${quote(`unix:${path}`)}: the path has ${bytes} bytes, a socket's at most ${MAX_PATH_BYTES}: choose a shorter one`,
    );
  if (path.includes("\0"))
    throw new EdgeError("BAD_CONFIG", `--listen ${quote(`unix:${path}`)}: a path cannot hold a zero byte`);
}

/**
 * Holds a name in Linux' abstract namespace, made of the folder's identity, whatever path leads to it. Undefined where the
 * system has no such namespace: there only the look at the file protects.
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
  if (!found.isSocket()) throw taken(path, "it is no socket, and is left alone");
  const problem = await problemOfConnecting(path);
  if (problem === undefined) throw taken(path, "a process listens there");
  if (codeOf(problem) === "ENOENT") return; // removed meanwhile
  if (codeOf(problem) !== "ECONNREFUSED")
    throw taken(path, `whether a process listens there cannot be seen (${messageOf(problem)})`, problem);
  const still = await lstat(path).catch(() => undefined); // gone by itself
  if (still?.ino === found.ino && still.dev === found.dev && still.ctimeMs === found.ctimeMs)
    await unlink(path);
}

/** Why nothing answers at a socket; undefined where something does. */
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
