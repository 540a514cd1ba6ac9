// Measures replays in the graph: finding what a reader with 30 follows missed in 5 s of 16,600 events per
// second, reading those events, and reading 1,000 missed events that have left memory. One JSON line each.
// `node dist/bench/graph-replay.js [--data DIR]`, where DIR holds the graph of a million users
// (graph-lookup.ts); without it, 2,000 readers among as many users are made.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatEventId, storedTopic, storedUserId } from "../broker/contract.ts";
import { History } from "../graph/history/history.ts";
import { ROW_KIND } from "../graph/history/row.ts";
import { DEFAULT_ROW_MEMORY_MB, GraphStore, Partitions, Random } from "../graph/index.ts";
import { PageReader } from "../graph/replay/page-reader.ts";
import { Recipient } from "../graph/replay/recipient.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { report, round } from "./support/report.ts";

const FOLLOWS = 30;
const GAP_EVENTS = 83_000;
const STORED_EVENTS = 1_000_000;
const READS = 20_000;
const BATCHES = 100;
const EVENT_BYTES = 150;
/** A name of no user. */
const BUSY_TOPIC = "1000000";
const FROM_DISK = 1_000;
const BOUNDS = { maxRows: 4_000_000, maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: 1e12 };
const encoder = new TextEncoder();

const { values } = parseArgs({ options: { data: { type: "string" } } });
const USERS = 1_000_000;
const readers = values.data === undefined ? 2_000 : USERS;
const random = new Random(14);
const partitions = Partitions.whole;
const store = await GraphStore.open(values.data ?? tempDir(), {
  memoryBytes: DEFAULT_ROW_MEMORY_MB * 1_048_576,
});
const history = await History.open(join(tempDir(), "history"), {
  ...{ partitions: [0], lastEpoch: 0, bounds: BOUNDS, recentBytes: 67_108_864, onTrouble() {} },
});

if (values.data === undefined) await followAtRandom();
await follow(0, BUSY_TOPIC);
for (let event = 0; event < FROM_DISK; event += 1) await append(BUSY_TOPIC);
while (history.rows < STORED_EVENTS) await append(String(random.below(USERS)));
await history.flush();

const { epoch } = history;
const last = history.nextPosition(0).sequence - 1;
const begun = () => ({ epoch, sequence: last });
const maxPayload = () => 1_048_576;
const pages = new PageReader({ store, history, partitions, begun, maxEvents: 1_000, maxPayload });
const after = { epoch, sequence: last - GAP_EVENTS, open: [] };
for (const round of [1, 2]) {
  measure(`find, round ${round}`, READS, (user) => {
    const { tags } = new Recipient({ store, partitions }, 0, user);
    return history.findMissed(0, tags, after, { epoch, sequence: last }, 1_000).events;
  });
  measure(`find and read, round ${round}`, READS, (user) => {
    return pages.read(0, { request: 1, user, after, upTo: last }).events.length;
  });
  measure(`1,000 events from disk, round ${round}`, BATCHES, () => {
    const item = { request: 1, user: "0", after: { ...after, sequence: 0 }, upTo: FROM_DISK };
    return pages.read(0, item).events.length;
  });
}
await history.close();
await store.close();

async function followAtRandom(): Promise<void> {
  for (let user = 0; user < readers; user += 1)
    for (let follows = 0; follows < FOLLOWS; follows += 1) {
      const done = follow(user, String(random.below(USERS)));
      if (follows === FOLLOWS - 1) await done;
    }
}

async function follow(user: number, topic: string): Promise<void> {
  await store.apply([
    { kind: "subscribe", subscriber: storedUserId(String(user)), topic: storedTopic(topic) },
  ]);
}

async function append(name: string): Promise<void> {
  const at = history.nextPosition(0);
  const head = `{"id":"${formatEventId({ partition: 0, ...at })}","topic":"${name}","data":"`;
  const body = encoder.encode(`${head}${"x".repeat(EVENT_BYTES - head.length - 2)}"}`);
  const ordinal = history.append(0, {
    ...{ kind: ROW_KIND.event, name, timeMs: at.sequence, messageId: "", body },
  });
  if (ordinal % 1_000 === 0) await history.flush();
}

/**
 * Reports the CPU time of one run, the wall time of the fastest tenth of the batches, which other processes
 * have not interrupted, and how many events a run found on average.
 */
function measure(what: string, times: number, run: (user: string) => number): void {
  const before = process.cpuUsage();
  const batchUs: number[] = [];
  const batch = Math.ceil(times / BATCHES);
  let events = 0;
  for (let at = 0; at < BATCHES; at += 1) {
    const startMs = performance.now();
    for (let time = 0; time < batch; time += 1) events += run(String(random.below(readers)));
    batchUs.push(((performance.now() - startMs) * 1_000) / batch);
  }
  const { user, system } = process.cpuUsage(before);
  const runs = batch * BATCHES;
  const undisturbedUs = batchUs.sort((one, other) => one - other)[Math.floor(BATCHES / 10)] ?? 0;
  report("graph-replay", {
    ...{ what, cpuUs: round((user + system) / runs), undisturbedUs: round(undisturbedUs) },
    events: round(events / runs),
  });
}
