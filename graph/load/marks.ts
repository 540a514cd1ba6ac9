// Loads mutes and blocks together with the follows. An export writes them to files of their own, so that a
// moved graph has both before it is served. They are read and sorted as follows are, before the first row is
// written; reconcile() then removes their users from the rows in which they must not be.

import { join } from "node:path";
import type { Database } from "../store/database.ts";
import { BLOCKED, blockedKey, MUTED, mutedKey, SUBSCRIPTIONS, subscriptionsKey } from "../store/keys.ts";
import { FollowSorter } from "./follow-sorter.ts";
import type { ByteSource } from "./follow-source.ts";
import { type GatherOptions, gatherFollows } from "./gather.ts";
import { type Direction, writeRows } from "./row-writer.ts";

const FORWARD: Direction = { range: SUBSCRIPTIONS, keyOf: subscriptionsKey };

type Kind = "muted" | "blocked";

/** The row of each kind, and whether its users follow the topic. */
const KINDS: Readonly<Record<Kind, { readonly direction: Direction; readonly follows: boolean }>> = {
  muted: { direction: { range: MUTED, keyOf: mutedKey }, follows: true },
  blocked: { direction: { range: BLOCKED, keyOf: blockedKey }, follows: false },
};

/** Sources of `subscriber topic` lines: muted followers, and blocked users. Both may be empty. */
export interface MarkSources {
  readonly muted?: ByteSource;
  readonly blocked?: ByteSource;
}

interface Mark {
  readonly kind: Kind;
  readonly sorter: FollowSorter;
}
export type Marks = readonly Mark[];

/**
 * Reads the sources that are given. The caller removes the sorters.
 * @throws GraphError BAD_FOLLOWS_FILE
 */
export async function gatherMarks(
  { directory, muted, blocked }: MarkSources & { readonly directory: string },
  options: Pick<GatherOptions, "partitions" | "strict" | "signal" | "intern">,
): Promise<Marks> {
  const marks: Mark[] = [];
  for (const [kind, source] of [
    ["muted", muted],
    ["blocked", blocked],
  ] as const) {
    if (source === undefined) continue;
    const sorter = new FollowSorter({ mutual: false, folder: join(directory, `load-runs-${kind}`) });
    await gatherFollows(source, {
      ...options,
      kind: "subscriptions",
      mayBeEmpty: true,
      add: (from, to) => sorter.add(from, to),
    });
    marks.push({ kind, sorter });
  }
  return marks;
}

/** Writes the rows of both kinds. */
export async function writeMarks(db: Database, marks: Marks): Promise<void> {
  for (const { kind, sorter } of marks) {
    const { forward, backward } = sorter.finish();
    const { direction, follows } = KINDS[kind];
    if (follows) await writeRows(db, forward, FORWARD, () => {});
    await writeRows(db, backward, direction, () => {});
  }
}
