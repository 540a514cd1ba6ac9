// Writes a backup while the graph is served: reads a snapshot of LevelDB in parts, on LevelDB's own threads,
// and writes it to a file. The backup is the graph at the time of the request, between two commits. The file
// appears under its name only when it is complete and on disk.

import { createHash } from "node:crypto";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { messageOf, quote } from "../../lib/errors.ts";
import { makeFolder } from "../../lib/make-folder.ts";
import { readExtent } from "../audit/audit-log.ts";
import { GraphError } from "../errors.ts";
import { type Database, readNumber, type Snapshot } from "../store/database.ts";
import { META } from "../store/keys.ts";
import { END, EntryWriter } from "./format.ts";
import { syncFolder } from "./sync-folder.ts";

/** Bytes per read of LevelDB. Processing them delays the service's events by a millisecond. */
const LOOK_BYTES = 65_536;
const LOOK_ENTRIES = 1_024;

export interface BackupReport {
  /** The path of the backup on the service's machine. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The sequence number of the last change that it contains. */
  readonly sequence: number;
  /** The number of follows in it. */
  readonly follows: number;
}

/**
 * Writes the graph's state at the time of the call to a folder, which is created if it does not exist.
 * @throws GraphError BAD_REQUEST for a relative path; BACKUP_FAILED, and nothing is left behind
 */
export async function writeBackup(db: Database, folder: string, signal: AbortSignal): Promise<BackupReport> {
  if (!isAbsolute(folder)) {
    throw new GraphError("BAD_REQUEST", `${quote(folder)} is not an absolute path: give the full path`);
  }
  const snapshot = db.snapshot();
  try {
    const { last: sequence } = await readExtent(db, snapshot);
    const follows = readNumber((key) => db.getSync(key, { snapshot }), META.follows);
    await makeFolder(folder);
    const time = new Date().toISOString().replace(/[:.]/g, "-");
    const file = join(folder, `graph-${time}-${sequence}.backup`);
    const written = await writeWhole(file, (to) => copy(db, snapshot, to, signal));
    await syncFolder(folder);
    return { file, ...written, sequence, follows };
  } catch (cause) {
    if (cause instanceof GraphError) throw cause;
    throw new GraphError(
      "BACKUP_FAILED",
      `the backup in ${quote(folder)} failed (${messageOf(cause)}): is there enough space, and may the graph service write there?`,
      { cause },
    );
  } finally {
    await snapshot.close();
  }
}

/**
 * Writes a file that gets its name once all of it is on disk. Until then, and after a crash, it is named
 * `.part`.
 */
async function writeWhole<T>(file: string, write: (to: FileHandle) => Promise<T>): Promise<T> {
  const part = `${file}.part`;
  const handle = await open(part, "wx", 0o600);
  try {
    const result = await write(handle);
    await handle.sync();
    await handle.close();
    await rename(part, file);
    return result;
  } catch (error) {
    await handle.close().catch(() => {}); // a full disk may fail again: the first error has the reason
    await unlink(part);
    throw error;
  }
}

async function copy(
  db: Database,
  snapshot: Snapshot,
  to: FileHandle,
  signal: AbortSignal,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  const append = async (part: Uint8Array): Promise<void> => {
    await to.writeFile(part);
    bytes += part.length;
  };
  const writer = new EntryWriter();
  const entries = db.iterator<Uint8Array, Uint8Array>({
    snapshot,
    keyEncoding: "view",
    valueEncoding: "view",
    highWaterMarkBytes: LOOK_BYTES,
  });
  const flush = async (): Promise<void> => {
    const part = writer.take();
    hash.update(part);
    await append(part);
  };
  try {
    for (;;) {
      refuseIfStopped(signal);
      const looked = await entries.nextv(LOOK_ENTRIES);
      if (looked.length === 0) break;
      for (const [key, value] of looked) writer.add(key, value);
      if (writer.full) await flush();
    }
  } finally {
    await entries.close();
  }
  await flush();
  hash.update(END);
  await append(END);
  const checksum = hash.digest();
  await append(checksum);
  refuseIfStopped(signal); // the sync that follows cannot be aborted
  return { bytes, sha256: checksum.toString("hex") };
}

function refuseIfStopped(signal: AbortSignal): void {
  if (signal.aborted)
    throw new GraphError("BACKUP_FAILED", "the graph is closing or being reopened: request the backup again");
}
