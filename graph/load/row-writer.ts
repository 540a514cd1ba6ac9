// Writes sorted rows to LevelDB. If the direction was empty, nothing is read; otherwise each row is united
// with the stored one. Keys ascend, so LevelDB has nothing to compact. Holds one batch.

import type { Database, Operation } from "../store/database.ts";
import { writeNewRow } from "../store/new-row.ts";
import { RowEditor } from "../store/row-editor.ts";
import type { Rows } from "./rows.ts";

/** The size of a batch. A larger one would only take more memory. */
const BATCH_OPERATIONS = 4_000;
const BATCH_BYTES = 1_048_576;

/** The keys of one direction of the graph. */
export interface Direction {
  readonly range: { readonly gte: string; readonly lt: string };
  readonly keyOf: (id: number) => string;
}

export interface Written {
  /** The number of entries that are new. */
  readonly added: number;
  /** The number of entries in all rows. */
  readonly entries: number;
}

/** @param onProgress is called with the number of entries written */
export async function writeRows(
  db: Database,
  rows: Rows,
  { range, keyOf }: Direction,
  onProgress: (entries: number) => void,
): Promise<Written> {
  const fresh = (await db.keys({ ...range, limit: 1 }).all()).length === 0;
  const batch = new Batches(db);
  let added = 0;
  let entries = 0;
  for (const { id, ids } of rows) {
    entries += ids.length;
    if (fresh) {
      added += ids.length;
      writeNewRow(keyOf(id), ids, batch.put);
    } else {
      const editor = new RowEditor(keyOf(id), (key) => db.getSync(key));
      added += editor.addAll(ids);
      for (const operation of editor.operations()) batch.take(operation);
    }
    if (!batch.full) continue;
    await batch.write();
    onProgress(entries);
  }
  await batch.write();
  return { added, entries };
}

/** Writes operations in order, in batches. */
export async function writeAll(db: Database, operations: Iterable<Operation>): Promise<void> {
  const batch = new Batches(db);
  for (const operation of operations) {
    batch.take(operation);
    if (batch.full) await batch.write();
  }
  await batch.write();
}

class Batches {
  readonly #db: Database;
  #batch: ReturnType<Database["batch"]>;
  #bytes = 0;

  constructor(db: Database) {
    this.#db = db;
    this.#batch = db.batch();
  }

  get full(): boolean {
    return this.#batch.length >= BATCH_OPERATIONS || this.#bytes >= BATCH_BYTES;
  }

  /** Copies the bytes at once. */
  readonly put = (key: string, value: Uint8Array): void => {
    this.#batch.put(key, value);
    this.#bytes += value.length;
  };

  take(operation: Operation): void {
    if (operation.type === "put") this.put(operation.key, operation.value);
    else this.#batch.del(operation.key);
  }

  /** Writes the batch and begins another one. */
  async write(): Promise<void> {
    await this.#batch.write();
    this.#batch = this.#db.batch();
    this.#bytes = 0;
  }
}
