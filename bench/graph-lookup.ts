// Measures look-ups of the followers of random users in the graph of a million users, from disk rows and from
// memory, and what the memory costs. Alternates between fresh processes. `node dist/bench/graph-lookup.js
// [--data DIR]`; without --data the graph is generated first, which takes two minutes.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseTopic, type Topic } from "../broker/contract.ts";
import { DEFAULT_ROW_MEMORY_MB, GraphStore } from "../graph/index.ts";
import { MILLION, makeMillionGraph } from "./support/million-graph.ts";
import { startCpuMeter } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const ROUNDS = 2;
const LOOKUPS = 500_000;
const HUB_READS = 2_000;
/** Hubs of a Barabási–Albert graph are among its first users. */
const OLDEST_USERS = 1_000;

const { values } = parseArgs({
  options: { data: { type: "string" }, memory: { type: "string" } },
});

if (values.memory !== undefined) await measure(values.data ?? "", Number(values.memory));
else {
  const directory = values.data ?? (await makeMillionGraph());
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const memory of turn % 2 === 0 ? [0, DEFAULT_ROW_MEMORY_MB] : [DEFAULT_ROW_MEMORY_MB, 0]) {
      const args = [fileURLToPath(import.meta.url), "--data", directory, "--memory", String(memory)];
      const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
      if (status !== 0) throw new Error(`a measurement ended with ${status}`);
    }
  }
}

async function measure(directory: string, memoryMb: number): Promise<void> {
  const cpu = startCpuMeter();
  const store = await GraphStore.open(directory, { memoryBytes: memoryMb * 1_048_576 });
  const ready = cpu();
  const users = randomUsers(LOOKUPS);
  const first = lookUp(store, users);
  const again = lookUp(store, users);
  const { hub, followers } = findHub(store);
  const microseconds = Array.from({ length: HUB_READS }, () => {
    const start = performance.now();
    for (const ids of store.followers(hub)) if (ids.length === 0) throw new Error("an empty set");
    return (performance.now() - start) * 1000;
  }).sort((a, b) => a - b);
  report("graph-lookup", {
    from: memoryMb === 0 ? "disk" : "memory",
    "ready in CPU-s": round(ready, 2),
    "rows in memory": store.receivers.rows,
    "MB of rows": round(store.receivers.bytes / 1e6, 1),
    "RSS MB": round(process.memoryUsage.rss() / 1e6, 0),
    "followers a look-up": round(first.followers / LOOKUPS, 2),
    "look-ups a CPU-s, first": Math.round(LOOKUPS / first.cpu),
    "look-ups a CPU-s": Math.round(LOOKUPS / again.cpu),
    hub: followers,
    "hub µs p50": round(microseconds[HUB_READS / 2] ?? 0, 1),
    "hub µs p99": round(microseconds[HUB_READS * 0.99] ?? 0, 1),
  });
  await store.close();
}

function lookUp(store: GraphStore, users: readonly Topic[]): { cpu: number; followers: number } {
  const cpu = startCpuMeter();
  let followers = 0;
  for (const user of users) for (const ids of store.followers(user)) followers += ids.length;
  return { cpu: cpu(), followers };
}

function findHub(store: GraphStore): { hub: Topic; followers: number } {
  let found = { hub: parseTopic("1"), followers: 0 };
  for (let id = 1; id <= OLDEST_USERS; id += 1) {
    const hub = parseTopic(String(id));
    const followers = store.countFollowers(hub);
    if (followers > found.followers) found = { hub, followers };
  }
  return found;
}

function randomUsers(count: number): Topic[] {
  return Array.from({ length: count }, () =>
    parseTopic(String(1 + Math.floor(Math.random() * MILLION.users))),
  );
}
