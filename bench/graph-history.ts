// Measures what the history costs: appending events, its memory, opening it again, and reading rows that are
// no longer in memory. Events of 150 to 170 bytes of 100,000 topics arrive in groups of 100, as from one read
// of a socket. CPU is user and system of this process, including LevelDB's threads. `node
// dist/bench/graph-history.js [events]`

import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { History, type HistoryOptions } from "../graph/history/history.ts";
import { ROW_KIND } from "../graph/history/row.ts";
import { DEFAULT_HISTORY_BOUNDS, Random } from "../graph/index.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { startCpuMeter } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const TOPICS = 100_000;
const GROUP = 100;
const TRIM_EVERY = 10_000;
const READS = 20_000;
/** Different bodies, because LevelDB compresses them. */
const BODIES = 5_000;

const events = Number(process.argv[2] ?? "1000000");
const directory = join(tempDir(), "history");
const options: HistoryOptions = {
  partitions: [0],
  lastEpoch: 0,
  bounds: DEFAULT_HISTORY_BOUNDS,
  recentBytes: 64 * 1_048_576,
  onTrouble: (trouble) => {
    if (trouble !== undefined) throw new Error(trouble.reason);
  },
};
const random = new Random(7);
const names = Array.from({ length: TOPICS }, (_, topic) => String(topic));
const bodies = Array.from({ length: BODIES }, (_, event) => bodyOf(event));
let history = await History.open(directory, options);
const written = await timed(append);
report("graph-history", {
  what: "append",
  events,
  "CPU-s a million": round((written.cpuSeconds * 1e6) / events, 2),
  "MB beside the ring": round((history.memoryBytes - options.recentBytes) / 1e6, 1),
  "MB of rows": Math.round(history.bytes / 1e6),
});
const closed = await timed(() => history.close());
const opened = await timed(async () => {
  history = await History.open(directory, options);
});
report("graph-history", {
  what: "open",
  events: history.rows,
  "ms to close": Math.round(closed.ms),
  "ms to open": Math.round(opened.ms),
});
const some = await timed(async () => {
  for (let read = 0; read < READS; read += 1) expectRow(history.first + random.below(history.rows));
});
const inOrder = await timed(async () => {
  for (let read = 0; read < READS; read += 1) expectRow(history.first + (read % history.rows));
});
report("graph-history", {
  what: "read from disk",
  reads: READS,
  "µs a random row": round((some.cpuSeconds * 1e6) / READS, 2),
  "µs a row in order": round((inOrder.cpuSeconds * 1e6) / READS, 2),
});
await history.close();

async function append(): Promise<void> {
  for (let event = 0; event < events; event += 1) {
    const body = bodies[event % BODIES] as Uint8Array;
    const name = names[(event * 48_271) % TOPICS] as string;
    history.append(0, { kind: ROW_KIND.event, name, timeMs: Date.now(), messageId: "", body });
    if (event % GROUP !== 0) continue;
    await turn();
    if (history.isBacklogged) await history.flush();
    if (event % TRIM_EVERY === 0) await history.trim(Date.now(), history.next);
  }
  await history.flush();
}

function expectRow(ordinal: number): void {
  const row = history.read(ordinal);
  if (row?.kind !== ROW_KIND.event) throw new Error(`row ${ordinal} is missing`);
}

function bodyOf(event: number): Uint8Array {
  const id = `0-${(1_750_000_000).toString(36)}-${event.toString(36)}`;
  const text = Array.from({ length: 9 }, () => random.below(2 ** 31).toString(36)).join(" ");
  return new TextEncoder().encode(
    JSON.stringify({ id, topic: String(random.below(TOPICS)), time: new Date(0).toISOString(), data: text }),
  );
}

async function timed(work: () => Promise<unknown>): Promise<{ cpuSeconds: number; ms: number }> {
  const cpu = startCpuMeter();
  const start = performance.now();
  await work();
  return { cpuSeconds: cpu(), ms: performance.now() - start };
}
