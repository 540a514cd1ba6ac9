// Writes transactions: the rows and names, the audit of the changes, and what else belongs to the commit, as
// one synced batch; then updates what is kept in memory. Owned by the store, and used by its single writer.

import { storedTopic, storedUserId, type Topic, type UserId } from "../../broker/contract.ts";
import type { FollowerRows } from "../adjacency/follower-rows.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { AuditRecord } from "../audit/record.ts";
import { ENDS_DELIVERY } from "./changes.ts";
import type { Operation } from "./database.ts";
import type { GuardedDatabase } from "./guarded-database.ts";
import type { RowStore } from "./row-store.ts";
import type { Transaction } from "./transaction.ts";

interface CommitterOptions {
  readonly disk: GuardedDatabase;
  readonly rows: RowStore;
  readonly audit: AuditLog;
  readonly receivers: FollowerRows;
}

export class Committer {
  readonly #options: CommitterOptions;
  /** Called for every change that ends a user's delivery of a topic, once it is on disk. */
  onEnded: ((user: UserId, topic: Topic) => void) | undefined;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /**
   * Begins a transaction; only one may be under way.
   * @throws GraphError GRAPH_DISK_FAILED, GRAPH_REOPENING while nothing can be written
   */
  begin(): Transaction {
    this.#options.disk.refuseInTrouble();
    return this.#options.rows.begin();
  }

  /**
   * Writes a transaction. When this resolves it is on disk, and reads see it.
   * @param parts the transaction's changes in the order in which the audit lists them
   * @param more operations that belong to the same batch
   * @throws GraphError GRAPH_DISK_FAILED, GRAPH_REOPENING: it may or may not take effect
   */
  async write(
    transaction: Transaction,
    parts: readonly AuditRecord[],
    more: readonly Operation[] = [],
  ): Promise<void> {
    const { disk, rows, audit, receivers } = this.#options;
    const changes = transaction.operations();
    await disk.write([...changes, ...audit.operations(parts), ...more], { sync: true });
    // only this point knows the effects of a commit: it is on disk, and no caller has been notified yet
    rows.settle(transaction);
    receivers.follow(changes);
    audit.settle(transaction.changes.length);
    this.#tellEnded(transaction);
  }

  #tellEnded({ changes }: Transaction): void {
    const { rows } = this.#options;
    for (const { kind, user, topic } of changes)
      if (ENDS_DELIVERY.has(kind))
        this.onEnded?.(storedUserId(rows.nameOf(user)), storedTopic(rows.nameOf(topic)));
  }
}
