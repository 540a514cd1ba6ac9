// The backups of one served graph: one at a time, each aborted when the graph closes or its directory is
// reopened.

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
   * Writes a backup of the graph's present state to a folder while changes and reads continue.
   * @throws GraphError BACKUP_FAILED, or GRAPH_OVERLOADED while another backup is being written
   */
  async write(folder: string): Promise<BackupReport> {
    if (this.#underWay !== undefined) {
      throw new GraphError("GRAPH_OVERLOADED", "a backup is being written: try again when it is done");
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

  /** Begins to abort the backup under way. */
  stop(): void {
    this.#underWay?.stop.abort();
  }

  /** Aborts the backup under way and waits for its end. */
  async close(): Promise<void> {
    this.stop();
    await this.#underWay?.written.catch(() => {}); // reported to the caller of `write`
  }
}
