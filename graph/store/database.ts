// The LevelDB database that the store and the bulk loader build on: opened once per directory, and checked to
// be a graph of our format.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Level } from "level";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { claimDirectory } from "./directory.ts";
import { META } from "./keys.ts";

/** The format of keys and rows that this code reads and writes. */
const FORMAT = "1";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What LevelDB can do beyond what every store of the `level` package can. */
type Compactable = { compactRange(start: string, end: string): Promise<void> };
export type Database = Level<string, Uint8Array> & Compactable;
export type Snapshot = ReturnType<Database["snapshot"]>;
/** Operations that LevelDB receives one by one and writes together. It copies keys and values at once. */
export type Batch = ReturnType<Database["batch"]>;
/** Reads the value of one key. */
export type Read = (key: string) => Uint8Array | undefined;
/** One operation of a batch. */
export type Operation =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: string };

/** A database that this process has open, which excludes all other processes. */
export interface OpenDatabase {
  readonly directory: string;
  readonly db: Database;
  /** Closes the database and releases the directory. */
  close(): Promise<void>;
}

/**
 * Opens the database of a directory, and creates an empty one if there is none.
 * @param format the format of its keys and values; a database of another format is refused
 * @param remedy what to do about one of another format
 * @throws GraphError GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN or GRAPH_DAMAGED
 */
export async function openDatabase(
  directory: string,
  format: string = FORMAT,
  remedy = "load the graph again into an empty folder",
): Promise<OpenDatabase> {
  const release = await claimDirectory(directory);
  const db = new Level(directory, { keyEncoding: "utf8", valueEncoding: "view" }) as Database;
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
        `${quote(directory)} has format ${quote(decoder.decode(stored))}, but this Encke reads ${format}: ${remedy}`,
      );
    }
    return { directory, db, close };
  } catch (cause) {
    await close();
    const explained = explainDisk(directory, cause);
    throw explained instanceof GraphError ? explained : openError(directory, cause);
  }
}

/**
 * Opens a database that exists and never creates one.
 * @throws GraphError GRAPH_DIR_FOREIGN if there is none, and otherwise as `openDatabase`
 */
export async function openExisting(directory: string): Promise<OpenDatabase> {
  if (existsSync(join(directory, "CURRENT"))) return openDatabase(directory);
  throw new GraphError(
    "GRAPH_DIR_FOREIGN",
    `${quote(directory)} holds no graph: name its folder with --data`,
  );
}

/** Passes a database to `use` and closes it afterwards. Errors of the disk are explained. */
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
 * Writes operations as one batch. With `sync`, they are on disk when the promise resolves. A chained batch
 * takes half the CPU of a batch made from an array. Rejects with LevelDB's own error: guarded-database.ts
 * decides what may follow it.
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
 * Releases the memory of all tables that were read: LevelDB maps whole files and keeps them mapped while it
 * is open. Nothing else may use the database in the meantime.
 * @throws GraphError GRAPH_DIR_BUSY or GRAPH_DAMAGED
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

/** Error codes, of LevelDB and of the system, that mean a full or failing disk. */
const DISK_CODES = new Set(["LEVEL_IO_ERROR", "ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS"]);

/**
 * Explains a write that failed because of the disk, or a read of damaged data. Returns any other error
 * unchanged.
 */
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
    `${quote(directory)} cannot be written (${causeOf(cause)}): free space on that disk, then run the command again`,
    { cause },
  );
}

/** Returns LevelDB's own message, which the binding wraps if a directory cannot be opened. */
export function causeOf(error: unknown): string {
  return messageOf((error instanceof Error ? error.cause : undefined) ?? error);
}

function openError(directory: string, cause: unknown): GraphError {
  const inner = cause instanceof Error ? cause.cause : undefined;
  if (codeOf(inner) === "LEVEL_LOCKED") {
    return new GraphError(
      "GRAPH_DIR_BUSY",
      `${quote(directory)} is served or loaded by another process: stop that process, or choose another folder with --data`,
      { cause },
    );
  }
  const isDisk = DISK_CODES.has(codeOf(inner) ?? "");
  return new GraphError(
    isDisk ? "GRAPH_DISK_FAILED" : "GRAPH_DAMAGED",
    `${quote(directory)} cannot be opened (${causeOf(cause)}): ${isDisk ? "check the disk, its free space and its permissions" : "restore a backup"}`,
    { cause },
  );
}
