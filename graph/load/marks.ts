// Who is muted and who is blocked, loaded with the follows: what an export writes beside them, so that a graph that moves has
// both before anybody serves it. Read and sorted as follows are, before the first row is written; reconcile() then takes them
// out of the rows where they must not be.

import { join } from "node:path";
import type { Database } from "../store/database.ts";
import { BLOCKED, blockedKey, MUTED, mutedKey, SUBSCRIPTIONS, subscriptionsKey } from "../store/keys.ts";
import { FollowSorter } from "./follow-sorter.ts";
import type { ByteSource } from "./follow-source.ts";
import { type GatherOptions, gatherFollows } from "./gather.ts";
import { type Direction, writeRows } from "./row-writer.ts";

const FORWARD: Direction = { range: SUBSCRIPTIONS, keyOf: subscriptionsKey };

type Kind = "muted" | "blocked";

/** The rows of each, and whether who stands in them follows. */
const KINDS: Readonly<Record<Kind, { readonly direction: Direction; readonly follows: boolean }>> = {
  muted: { direction: { range: MUTED, keyOf: mutedKey }, follows: true },
  blocked: { direction: { range: BLOCKED, keyOf: blockedKey }, follows: false },
};

/** `subscriber topic` lines of who follows and is sent nothing, and of who cannot follow. They may be empty. */
export interface MarkSources {
  readonly muted?: ByteSource;
  readonly blocked?: ByteSource;
}

interface Mark {
  readonly kind: Kind;
  readonly sorter: FollowSorter;
}
export type Marks = readonly Mark[];

/** Reads what is given of both. Its sorters are the caller's to remove. @throws GraphError BAD_FOLLOWS_FILE */
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

/** Writes their rows beside those of the follows. */
export async function writeMarks(db: Database, marks: Marks): Promise<void> {
  for (const { kind, sorter } of marks) {
    const { forward, backward } = sorter.finish();
    const { direction, follows } = KINDS[kind];
    if (follows) await writeRows(db, forward, FORWARD, () => {});
    await writeRows(db, backward, direction, () => {});
  }
}
