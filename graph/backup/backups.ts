// The backups of one served graph: one at a time, each ended when the graph closes or its directory is opened again.

import { GraphError } from "../errors.ts";
import type { GuardedDatabase } from "../store/guarded-database.ts";
import { type BackupReport, writeBackup } from "./backup.ts";

export class Backups {
  readonly #disk: GuardedDatabase;
  #underWay: { readonly written: Promise<BackupReport>; readonly stop: AbortController } | undefined;

  constructor(disk: GuardedDatabase) {
    this.#disk = disk;
  }

  /**
   * Writes the graph as it is now into a folder, while changes and reads go on. One at a time.
   * @throws GraphError BACKUP_FAILED, or GRAPH_OVERLOADED while another one is written
   */
  async write(folder: string): Promise<BackupReport> {
    if (this.#underWay !== undefined) {
      throw new GraphError("GRAPH_OVERLOADED", "a backup is being written: ask again when it is done");
    }
    const stop = new AbortController();
    const release = this.#disk.hold();
    const written = writeBackup(this.#disk.db, folder, stop.signal).finally(() => {
      this.#underWay = undefined;
      release();
    });
    this.#underWay = { written, stop };
    return written;
  }

  /** Begins to end the one that is being written. */
  stop(): void {
    this.#underWay?.stop.abort();
  }

  /** Ends the one that is being written. */
  async close(): Promise<void> {
    this.stop();
    await this.#underWay?.written.catch(() => {}); // who asked for it is told
  }
}
