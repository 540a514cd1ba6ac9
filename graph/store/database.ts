// The LevelDB underneath: opened once a directory, checked to be ours and of our format. The store and the bulk loader
// stand on it.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Level } from "level";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { claimDirectory } from "./directory.ts";
import { META } from "./keys.ts";

/** The layout of keys and rows that this code reads and writes. */
const FORMAT = "1";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export type Database = Level<string, Uint8Array>;
export type Snapshot = ReturnType<Database["snapshot"]>;
/** A point read of the database. */
export type Read = (key: string) => Uint8Array | undefined;
/** A part of a write. */
export type Operation =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: string };

/** A database that this process has open, and no other can open. */
export interface OpenDatabase {
  readonly directory: string;
  readonly db: Database;
  /** Closes it and gives the directory back. */
  close(): Promise<void>;
}

/**
 * Opens the database of a directory, an empty one where there is none.
 * @param format the layout of its keys and values; a database of another one is refused
 * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN or GRAPH_DAMAGED
 */
export async function openDatabase(directory: string, format: string = FORMAT): Promise<OpenDatabase> {
  const release = await claimDirectory(directory);
  const db: Database = new Level(directory, { keyEncoding: "utf8", valueEncoding: "view" });
  const close = async (): Promise<void> => {
    await db.close();
    release();
  };
  try {
    await db.open();
    const stored = db.getSync(META.format);
    if (stored === undefined) await db.put(META.format, encoder.encode(format), { sync: true });
    else if (decoder.decode(stored) !== format) {
      throw new GraphError(
        "GRAPH_DIR_FOREIGN",
        `${quote(directory)} has format ${quote(decoder.decode(stored))}, this Encke reads ${format}: load the graph anew into an empty folder`,
      );
    }
    return { directory, db, close };
  } catch (cause) {
    await close();
    const explained = explainDisk(directory, cause);
    throw explained instanceof GraphError ? explained : openError(directory, cause);
  }
}

/** The same of a graph that is there already; makes none. @throws GraphError GRAPH_DIR_FOREIGN where there is none, and likewise */
export async function openExisting(directory: string): Promise<OpenDatabase> {
  if (existsSync(join(directory, "CURRENT"))) return openDatabase(directory);
  throw new GraphError(
    "GRAPH_DIR_FOREIGN",
    `${quote(directory)} holds no graph: name its folder with --data`,
  );
}

/** Uses a database and closes it. What goes wrong is explained. */
export async function withDatabase<T>(
  { directory, db, close }: OpenDatabase,
  use: (db: Database) => Promise<T>,
): Promise<T> {
  try {
    return await use(db);
  } catch (cause) {
    throw explainDisk(directory, cause);
  } finally {
    await close();
  }
}

/**
 * Writes operations as one batch; synced, it is on disk when the promise resolves. A chained batch takes half the CPU of
 * one made of an array. Rejects with what the database says; what may follow is guarded-database.ts's to decide.
 */
export async function writeBatch(
  db: Database,
  operations: readonly Operation[],
  sync: boolean,
): Promise<void> {
  const batch = db.batch();
  try {
    for (const operation of operations) {
      if (operation.type === "put") batch.put(operation.key, operation.value);
      else batch.del(operation.key);
    }
    await batch.write({ sync });
  } finally {
    await batch.close();
  }
}

/**
 * Gives back the memory of every table that was read: LevelDB maps whole files, and keeps them mapped while it is open.
 * Nothing else may use the database meanwhile. @throws GraphError GRAPH_DIR_BUSY or GRAPH_DAMAGED
 */
export async function reopenDatabase(db: Database, directory: string): Promise<void> {
  try {
    await db.close();
    await db.open();
  } catch (cause) {
    throw openError(directory, cause);
  }
}

export function readNumber(read: Read, key: string): number {
  const stored = read(key);
  return stored === undefined ? 0 : Number(decoder.decode(stored));
}

export function numberOperation(key: string, value: number): Operation {
  return { type: "put", key, value: encoder.encode(String(value)) };
}

/** Codes of a disk that is full or fails, LevelDB's and the system's. */
const DISK_CODES = new Set(["LEVEL_IO_ERROR", "ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS"]);

/** Explains a write that failed because of the disk, and a read of what is damaged on it; returns any other error as it is. */
export function explainDisk(directory: string, cause: unknown): unknown {
  if (codeOf(cause) === "LEVEL_CORRUPTION") {
    return new GraphError(
      "GRAPH_DAMAGED",
      `${quote(directory)} cannot be read (${messageOf(cause)}): restore a backup`,
      { cause },
    );
  }
  if (!DISK_CODES.has(codeOf(cause) ?? "")) return cause;
  return new GraphError(
    "GRAPH_DISK_FAILED",
    `${quote(directory)} cannot be written (${causeOf(cause)}): make room on that disk, then run the command again`,
    { cause },
  );
}

/** What LevelDB said; the binding wraps it where a directory cannot be opened. */
export function causeOf(error: unknown): string {
  return messageOf((error instanceof Error ? error.cause : undefined) ?? error);
}

function openError(directory: string, cause: unknown): GraphError {
  const inner = cause instanceof Error ? cause.cause : undefined;
  if (codeOf(inner) === "LEVEL_LOCKED") {
    return new GraphError(
      "GRAPH_DIR_BUSY",
      `${quote(directory)} is served or loaded by another process: stop that one, or choose another folder with --data`,
      { cause },
    );
  }
  const isDisk = DISK_CODES.has(codeOf(inner) ?? "");
  return new GraphError(
    isDisk ? "GRAPH_DISK_FAILED" : "GRAPH_DAMAGED",
    `${quote(directory)} cannot be opened (${causeOf(cause)}): ${isDisk ? "check the disk, its room and its permissions" : "restore a backup"}`,
    { cause },
  );
}
