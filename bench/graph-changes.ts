// Measures follows, written and synced with both rows and their audit, on a graph of generated friends: one
// per request with many concurrent requests, a hundred of one topic per request, and a hundred of as many
// topics; followers of a celebrity who follow and unfollow; and how a backup delays look-ups. CPU is user and
// system of this process, including LevelDB's threads. `node dist/bench/graph-changes.js [users]`

import { statSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { parseTopic, parseUserId } from "../broker/contract.ts";
import {
  type Change,
  GraphStore,
  generateFriendships,
  loadFollows,
  Random,
  restoreBackup,
} from "../graph/index.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { startCpuMeter } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const CELEBRITY_FOLLOWERS = 1_000_000;
const CELEBRITY = parseTopic("celebrity");
const AT_ONCE = 256;
const SINGLE = 60_000;
const BATCHED = 200_000;
const A_REQUEST = 100;
const VISITS = 500;

const users = Number(process.argv[2] ?? "300000");
const random = new Random(5);
const directory = join(tempDir(), "graph");
const shape = { users, friends: 15, seed: 1 };
await loadFollows(
  { name: "friends", newcomers: generateFriendships(shape) },
  { directory, kind: "friendships" },
);
let store = await GraphStore.open(directory);
const wanted = { single: "≥ 6,000", batched: "≥ 20,000", visit: "< 5", lookup: "< 5" };

report("graph-changes", {
  what: "single",
  users,
  ...(await adds(SINGLE, 1, AT_ONCE, false)),
  wanted: wanted.single,
});
report("graph-changes", {
  what: "batched",
  users,
  ...(await adds(BATCHED, A_REQUEST, 16, true)),
  wanted: wanted.batched,
});
report("graph-changes", { what: "scattered", users, ...(await adds(BATCHED, A_REQUEST, 16, false)) });
for (let from = 0; from < CELEBRITY_FOLLOWERS; from += 10_000) {
  await store.apply(Array.from({ length: 10_000 }, (_, index) => follow(2 * (from + index), CELEBRITY)));
}
await store.close(); // so that the million writes before are not part of the next measurement
store = await GraphStore.open(directory);
report("graph-changes", {
  what: "celebrity",
  followers: store.countFollowers(CELEBRITY),
  "follow ms": await visits("subscribe"),
  "unfollow ms": await visits("unsubscribe"),
  "mute and unmute ms": await visits("mute", "unmute"),
  wanted: wanted.visit,
});
const quiet = await lookups(() => turn());
const saving = await savings();
report("graph-changes", {
  what: "backup",
  "lookups, quiet, ms": quiet,
  ...saving,
  wanted: wanted.lookup,
});
await store.close();
const restored = join(tempDir(), "restored");
const cpu = startCpuMeter();
await restoreBackup(saving.file, { directory: restored });
report("graph-changes", { what: "restore", "CPU-s": round(cpu()) });

function follow(user: number, topic: string): Change {
  return { kind: "subscribe", subscriber: parseUserId(String(user)), topic: parseTopic(topic) };
}

/**
 * Adds follows of random users, with this many per request and this many concurrent requests. The followed
 * user is random, either per request or per follow.
 */
async function adds(count: number, aRequest: number, atOnce: number, isOneTopic: boolean): Promise<object> {
  const before = store.follows;
  const sequence = store.audit.last;
  const cpu = startCpuMeter();
  const start = performance.now();
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= aRequest;
      const some = () => 1 + random.below(users);
      const topic = String(some());
      await store.apply(
        Array.from({ length: aRequest }, () => follow(some(), isOneTopic ? topic : String(some()))),
      );
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - start) / 1_000;
  const cpuSeconds = cpu();
  const added = store.follows - before;
  if (store.audit.last - sequence !== added) throw new Error("the audit does not contain every change");
  return {
    added,
    "CPU-s": round(cpuSeconds),
    "a CPU-s": Math.round(added / cpuSeconds),
    "a second": Math.round(added / seconds),
  };
}

/** Measures single changes of a celebrity's row, by users all over it, until each change is on disk. */
async function visits(...kinds: readonly Change["kind"][]): Promise<object> {
  const times: number[] = [];
  for (let visit = 0; visit < VISITS; visit += 1) {
    const even = 2 * ((visit * 1_999) % CELEBRITY_FOLLOWERS);
    const user = kinds[0] === "mute" ? even : even + 1;
    for (const kind of kinds) {
      const start = performance.now();
      const [outcome] = await store.apply([{ ...follow(user, CELEBRITY), kind }]);
      times.push(performance.now() - start);
      if (outcome !== "changed") throw new Error(`${kind} of ${user}: ${outcome}`);
    }
  }
  return percentiles(times);
}

/**
 * Measures the time from requesting a turn of the event loop until a random user's followers are read,
 * repeatedly until `next` ends it.
 */
async function lookups(
  next: () => Promise<unknown>,
  until: () => boolean = countdown(20_000),
): Promise<object> {
  const times: number[] = [];
  while (!until()) {
    const start = performance.now();
    await next();
    for (const _ of store.followers(parseTopic(String(1 + random.below(users))))) break;
    times.push(performance.now() - start);
  }
  return percentiles(times);
}

async function savings(): Promise<{ file: string } & Record<string, unknown>> {
  const cpu = startCpuMeter();
  const start = performance.now();
  let isDone = false;
  const backup = store.backup(join(tempDir(), "backups")).finally(() => {
    isDone = true;
  });
  const times = await lookups(
    () => turn(),
    () => isDone,
  );
  const { file, sequence } = await backup;
  return {
    file,
    sequence,
    "lookups meanwhile, ms": times,
    MB: Math.round(statSync(file).size / 1e6),
    seconds: round((performance.now() - start) / 1_000, 1),
    "CPU-s, the lookups' in it": round(cpu()),
  };
}

function countdown(count: number): () => boolean {
  let left = count;
  return () => {
    left -= 1;
    return left < 0;
  };
}

function percentiles(times: number[]): object {
  times.sort((a, b) => a - b);
  const at = (part: number): number => round(times[Math.floor((times.length - 1) * part)] ?? 0, 3);
  return { p50: at(0.5), p99: at(0.99), max: at(1), times: times.length };
}
