// Restores a graph's directory from a backup. The checksum is verified before anything is written. The
// directory is built beside its place and then renamed in one step, so that it exists completely or not at
// all.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { makeFolder } from "../../lib/make-folder.ts";
import { readExtent } from "../audit/audit-log.ts";
import { GraphError } from "../errors.ts";
import { openDatabase, readNumber, withDatabase } from "../store/database.ts";
import { META } from "../store/keys.ts";
import { CHECKSUM_BYTES, HEAD, readEntries } from "./format.ts";
import { syncFolder } from "./sync-folder.ts";

const READ_BYTES = 1_048_576;
const AS_BYTES = { keyEncoding: "view", valueEncoding: "view" } as const;

export interface RestoreReport {
  /** The number of follows in the graph. */
  readonly follows: number;
  /** The sequence number of the last change in it. */
  readonly sequence: number;
}

export interface RestoreOptions {
  readonly directory: string;
  /** Called with the work done and the total, in bytes of the backup. */
  readonly onProgress?: (phase: "checking" | "writing", done: number, total: number) => void;
}

/**
 * Creates a graph's directory from a backup. A directory that a crash left incomplete is built again.
 * @throws GraphError BAD_BACKUP, GRAPH_DIR_FOREIGN for a directory that is not empty, GRAPH_DIR_BUSY; the
 * directory is then unchanged
 */
export async function restoreBackup(
  file: string,
  { directory, onProgress }: RestoreOptions,
): Promise<RestoreReport> {
  const target = resolve(directory);
  await refuseFull(target);
  const length = await check(file, (done, total) => onProgress?.("checking", done, total));
  const building = join(dirname(target), `${basename(target)}.restoring`);
  const report = await build(file, length, building, (done) => onProgress?.("writing", done, length));
  await rename(building, target); // replaces an empty folder and fails for any other
  await syncFolder(dirname(target));
  return report;
}

async function refuseFull(directory: string): Promise<void> {
  const files = await readdir(directory).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw new GraphError(
      "GRAPH_DIR_FOREIGN",
      `${quote(directory)} cannot be used (${messageOf(error)}): choose another folder with --data`,
      { cause: error },
    );
  });
  if (files.length === 0) return;
  throw new GraphError(
    "GRAPH_DIR_FOREIGN",
    `${quote(directory)} is not empty (${files[0]}): restore into an empty folder or a new one`,
  );
}

/** Verifies the checksum. Returns how many bytes of the file it covers. */
async function check(file: string, onProgress: (done: number, total: number) => void): Promise<number> {
  let handle: FileHandle;
  try {
    handle = await open(file, "r");
  } catch (cause) {
    throw new GraphError(
      "BAD_BACKUP",
      `${quote(file)} cannot be read (${messageOf(cause)}): check the path`,
      {
        cause,
      },
    );
  }
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw badBackup(file, "it is not a file");
    const { size } = stats;
    const length = size - CHECKSUM_BYTES;
    if (length <= HEAD.length) throw badBackup(file, "it is too short");
    const hash = createHash("sha256");
    const buffer = new Uint8Array(READ_BYTES);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(READ_BYTES, length - done), done);
      if (bytesRead === 0) throw badBackup(file, "it ended while it was read");
      hash.update(buffer.subarray(0, bytesRead));
      done += bytesRead;
      onProgress(done, length);
    }
    const stored = Buffer.alloc(CHECKSUM_BYTES);
    await handle.read(stored, 0, CHECKSUM_BYTES, length);
    if (!hash.digest().equals(stored)) throw badBackup(file, "its checksum does not match");
    return length;
  } finally {
    await handle.close();
  }
}

async function build(
  file: string,
  length: number,
  directory: string,
  onProgress: (done: number) => void,
): Promise<RestoreReport> {
  await makeFolder(dirname(directory));
  try {
    await withDatabase(await openDatabase(directory), async (db) => {
      await db.clear(); // removes what a crash left behind
      const parts = createReadStream(file, { end: length - 1, highWaterMark: READ_BYTES });
      for await (const entries of readEntries(parts)) {
        const batch = db.batch();
        for (const { key, value } of entries) batch.put<Uint8Array, Uint8Array>(key, value, AS_BYTES);
        await batch.write();
        onProgress(parts.bytesRead);
      }
    });
    // opening it once more checks the format, and moves what is still in a log into synced tables
    return await withDatabase(await openDatabase(directory), async (db) => ({
      follows: readNumber((key) => db.getSync(key), META.follows),
      sequence: (await readExtent(db)).last,
    }));
  } catch (cause) {
    if (codeOf(cause) !== "GRAPH_DIR_BUSY") await rm(directory, { recursive: true, force: true });
    if (cause instanceof RangeError) throw badBackup(file, cause.message, cause);
    throw cause;
  }
}

function badBackup(file: string, why: string, cause?: unknown): GraphError {
  return new GraphError("BAD_BACKUP", `${quote(file)} is not a complete backup: ${why}; use another one`, {
    cause,
  });
}
