// Opens the change logs of a directory's partitions before it is served: creates those that are missing and
// may be, refuses what does not belong together (relation.ts), and applies what the directory lacks. Waits
// for JetStream for as long as it takes.

import { setTimeout as delay } from "node:timers/promises";
import { Backoff } from "../../lib/backoff.ts";
import { codeOf, messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Partitions } from "../partitions.ts";
import type { Committer } from "../store/committer.ts";
import type { Database } from "../store/database.ts";
import { isEmpty } from "../store/kept-partitions.ts";
import { META } from "../store/keys.ts";
import { type AppliedPlace, isOffLog, readPlaces } from "./applied.ts";
import { LoggedChanges } from "./logged-changes.ts";
import type { LogState, PartitionLog } from "./partition-log.ts";
import { relate } from "./relation.ts";

const AGAIN_MS = { min: 200, max: 2_000 };
/** Errors that end by themselves: no reply, or another service that writes at the same time. */
const PASSING: ReadonlySet<string> = new Set(["GRAPH_LOG_UNAVAILABLE", "GRAPH_LOG_BEHIND"]);

export interface OpenLogOptions {
  readonly db: Database;
  readonly committer: Committer;
  readonly partitions: Partitions;
  /** One per owned partition. */
  readonly logs: readonly PartitionLog[];
  /** Returns the present time, in milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Logger;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Resolves when every record of the logs is in the rows.
 * @throws GraphError GRAPH_LOG_FOREIGN, GRAPH_LOG_REFUSED, GRAPH_LOG_UNREADABLE, GRAPH_OTHER_PARTITIONS,
 * GRAPH_DISK_FAILED; BrokerError NO_JETSTREAM, STREAM_REFUSED
 */
export async function openChangeLogs(options: OpenLogOptions): Promise<LoggedChanges> {
  const { log, signal } = options;
  const backoff = new Backoff(AGAIN_MS.min, AGAIN_MS.max);
  for (let last: string | undefined; ; ) {
    let changes: LoggedChanges | undefined;
    try {
      changes = await findPlaces(options);
      for (const partition of options.partitions.owned) await bringUpToDate(options, changes, partition);
      if (isOffLog(options.db)) await changes.storePlaces([], [{ type: "del", key: META.offLog }]);
      return changes;
    } catch (error) {
      await changes?.close();
      if (!PASSING.has(codeOf(error) ?? "") || signal?.aborted === true) throw error;
      const reason = messageOf(error);
      if (reason !== last) log.warn({ reason }, "waiting for the change log");
      last = reason;
      await delay(backoff.nextMs(), undefined, { ...(signal && { signal }) });
    }
  }
}

interface DirectoryFacts {
  /** Whether it holds no rows. */
  readonly isFresh: boolean;
  /** Whether its rows were changed without the log. */
  readonly offLog: boolean;
}

/** Relates the directory to all its logs before anything is applied, because that depends on its rows. */
async function findPlaces(options: OpenLogOptions): Promise<LoggedChanges> {
  const { db, committer, partitions, logs, now } = options;
  const directory = { isFresh: await isEmpty(db), offLog: isOffLog(db) };
  const { isFresh } = directory;
  const stored = await readPlaces(db);
  const places = new Map<number, AppliedPlace>();
  const added: AppliedPlace[] = [];
  for (const log of logs) {
    const place = await placeIn(log, stored.get(log.partition), partitions, directory);
    places.set(log.partition, place);
    if (!stored.has(log.partition)) added.push(place);
  }
  const changes = new LoggedChanges({
    ...{ committer, partitions, logs, places, now },
    readPlaces: () => readPlaces(db),
  });
  // a layout record of ours must be recognized after a crash, so its id is stored before it is appended
  const expected = isFresh ? added : added.map((place) => ({ ...place, layout: changes.nextId() }));
  if (expected.length > 0) await changes.storePlaces(expected);
  return changes;
}

async function placeIn(
  log: PartitionLog,
  place: AppliedPlace | undefined,
  { of }: Partitions,
  { isFresh, offLog }: DirectoryFacts,
): Promise<AppliedPlace> {
  const idOf = async (state: LogState | undefined, sequence: number): Promise<string | undefined> =>
    state === undefined || sequence < state.first || sequence > state.last ? undefined : log.idOf(sequence);
  const check = async (state: LogState | undefined): Promise<void> => {
    const [recordAtPlace, recordAfterPlace] =
      place === undefined ? [] : [await idOf(state, place.sequence), await idOf(state, place.sequence + 1)];
    const facts = { name: log.name, of, place, isEmpty: isFresh, state, isOffLog: offLog };
    relate({ ...facts, recordAtPlace, recordAfterPlace });
  };
  const found = await log.find();
  await check(found);
  if (place !== undefined) return place;
  const state = found ?? (await log.create());
  await check(state); // another service may have created it, and written to it, in the meantime
  return { partition: log.partition, of, createdMs: state.createdMs, sequence: 0 };
}

/** Applies what the log holds, and lets the log continue from rows that do not follow from it. */
async function bringUpToDate(
  { db }: OpenLogOptions,
  changes: LoggedChanges,
  partition: number,
): Promise<void> {
  await changes.catchUp(partition);
  const place = changes.placeOf(partition);
  if (isOffLog(db)) {
    const layout = changes.nextId();
    await changes.storePlaces([{ ...place, layout }]);
    await appendLayout(changes, { ...place, layout });
  } else if (place.sequence === 0) await appendLayout(changes, place);
}

async function appendLayout(changes: LoggedChanges, { partition, of, layout }: AppliedPlace): Promise<void> {
  const base = layout === undefined ? "empty" : "rows";
  await changes.append(partition, { kind: "layout", partition, of, base }, layout);
}
