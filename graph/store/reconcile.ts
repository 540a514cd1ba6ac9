// What a bulk load must not undo: it knows nothing of who is muted or blocked, and adds followers to rows as its file
// says. Afterwards the muted are taken out of the rows of those who receive (they go on following), the blocked out of
// both directions. Costs a look at each muted and blocked row, of which there are few.

import type { Database, Operation, Read } from "./database.ts";
import { BLOCKED, blockedKey, followersKey, idOfRow, MUTED, mutedKey, subscriptionsKey } from "./keys.ts";
import { RowEditor } from "./row-editor.ts";
import { readRow } from "./row-reader.ts";

/** Answers how many of the follow relations that were added do not count, written already. Can be run again. */
export async function reconcile(
  db: Database,
  write: (operations: Operation[]) => Promise<void>,
): Promise<number> {
  const read: Read = (key) => db.getSync(key);
  let removed = 0;
  for (const [range, keyOf, isBlocked] of [
    [MUTED, mutedKey, false],
    [BLOCKED, blockedKey, true],
  ] as const) {
    for await (const key of db.keys(range)) {
      const topic = idOfRow(key);
      if (topic === undefined) continue;
      const followers = new RowEditor(followersKey(topic), read);
      const muted = new RowEditor(mutedKey(topic), read);
      const operations: Operation[] = [];
      for (const ids of readRow(read, keyOf(topic))) {
        for (const user of ids) {
          if (followers.remove(user)) removed += 1;
          if (!isBlocked) continue;
          muted.remove(user); // a file may name somebody as both
          const subscriptions = new RowEditor(subscriptionsKey(user), read);
          subscriptions.remove(topic);
          operations.push(...subscriptions.operations());
        }
      }
      await write([...operations, ...followers.operations(), ...muted.operations()]);
    }
  }
  return removed;
}
