// Writing a backup while the graph is served: a snapshot of LevelDB, read part by part on its own threads and written
// to a file of its own. It is the graph at the instant at which it was asked for, between two commits. It appears
// under its name only when it is whole and on disk.

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

/** Bytes that one look into LevelDB brings: what is done with them holds up the service's events, for a millisecond. */
const LOOK_BYTES = 65_536;
const LOOK_ENTRIES = 1_024;

export interface BackupReport {
  /** Path of the backup, on the service's machine. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The last change that is in it; none behind it is. */
  readonly sequence: number;
  /** Follow relations in it. */
  readonly follows: number;
}

/**
 * Writes the graph as it is at the call into a folder, which is made where it is missing.
 * @throws GraphError BAD_REQUEST for a relative path; BACKUP_FAILED, and nothing is left behind
 */
export async function writeBackup(db: Database, folder: string, signal: AbortSignal): Promise<BackupReport> {
  if (!isAbsolute(folder)) {
    throw new GraphError("BAD_REQUEST", `${quote(folder)} is not an absolute path: name the whole path`);
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
      `no backup in ${quote(folder)} (${messageOf(cause)}): is there room, and may the graph service write there?`,
      { cause },
    );
  } finally {
    await snapshot.close();
  }
}

/** The file stands under its name when all of it is on disk; until then, or for ever, under `.part` or not at all. */
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
    await handle.close().catch(() => {}); // a full disk may say so once more: the first error tells why
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
  refuseIfStopped(signal); // what follows is a sync of all of it, which a stop would have to wait for
  return { bytes, sha256: checksum.toString("hex") };
}

function refuseIfStopped(signal: AbortSignal): void {
  if (signal.aborted)
    throw new GraphError(
      "BACKUP_FAILED",
      "the graph is closing or opened again: ask for the backup once more",
    );
}
