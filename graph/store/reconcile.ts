// Restores mutes and blocks after a bulk load, which ignores them and adds followers to rows as its file
// specifies. Removes muted users from the rows of receivers, although they continue to follow, and blocked
// users from the rows of both directions. Reads each row of muted and blocked users, of which there are few.

import type { Database, Operation, Read } from "./database.ts";
import { BLOCKED, blockedKey, followersKey, idOfRow, MUTED, mutedKey, subscriptionsKey } from "./keys.ts";
import { RowEditor } from "./row-editor.ts";
import { readRow } from "./row-reader.ts";

/** Returns how many of the added follows it removed again. May be repeated. */
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
          muted.remove(user); // the loaded files may name a user as both
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
