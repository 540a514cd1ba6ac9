// Measures the process memory of an open stream at one edge worker, idle and after ten messages each: in a
// cold process, after a warm-up of 1,000 streams, and in a second cycle. `node dist/bench/edge-memory.js
// [--streams 15000] [--pool KIND] [--fanout MODE]`

import { parseArgs } from "node:util";
import { FANOUT_MODES, type FanoutMode } from "../broker/index.ts";
import { POOL_KINDS, type PoolKind } from "../edge/index.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { stopOnSignal } from "./peers/contender.ts";
import { startEdge } from "./peers/edge.ts";
import { helloHttp } from "./peers/hello.ts";
import { untilOpen, untilRead } from "./peers/measure.ts";
import { CountingReader } from "./peers/reader.ts";
import { settledMemoryKb } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const WARM_UP = 1_000;
const MESSAGES_EACH = 10;
const CLOSE_MS = 60_000;

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "15000" },
    pool: { type: "string" },
    fanout: { type: "string", default: "subject" },
  },
});
const streams = Number(values.streams);
const pool = values.pool === undefined ? undefined : oneOf<PoolKind>("--pool", POOL_KINDS, values.pool);
const fanout = oneOf<FanoutMode>("--fanout", FANOUT_MODES, values.fanout);

const edge = await startEdge(pool, fanout, streams);
const stopped = stopOnSignal(edge);
const settled = (): Promise<number> => settledMemoryKb(edge.pid);
try {
  const cold = await settled();
  await withStreams(WARM_UP, async () => {});
  const warm = await settled();
  const first = await cycle();
  const emptied = await settled();
  const second = await cycle();
  const each = (kb: number): number => round(kb / streams);
  report("edge memory", {
    ...{ pool: pool ?? "default", fanout, streams },
    "KB a stream": {
      "idle, cold": each(first.idle - cold),
      "idle, warm": each(first.idle - warm),
      [`after ${MESSAGES_EACH} messages, cold`]: each(first.busy - cold),
      [`after ${MESSAGES_EACH} messages, warm`]: each(first.busy - warm),
      "second cycle, full over empty": each(second.busy - emptied),
    },
    "process KB": { start: cold, warm, idle: first.idle, busy: first.busy, emptied },
  });
} finally {
  await edge.stop();
  stopped();
}

async function cycle(): Promise<{ idle: number; busy: number }> {
  let idle = 0;
  let busy = 0;
  await withStreams(streams, async (reader) => {
    idle = await settled();
    await edge.each(MESSAGES_EACH, async () => (await reader.stats()).messages);
    await untilRead(reader, streams * MESSAGES_EACH);
    busy = await settled();
  });
  return { idle, busy };
}

/** Holds this many streams open while `use` runs. */
async function withStreams(count: number, use: (reader: CountingReader) => Promise<void>): Promise<void> {
  const reader = new CountingReader(edge.port, helloHttp("/stream?user={id}"), count);
  try {
    await untilOpen(edge, reader, count);
    await use(reader);
  } finally {
    await reader.stop();
  }
  await waitFor("every stream to be closed", async () => (await edge.count()) === 0, CLOSE_MS);
}

function oneOf<Word extends string>(flag: string, words: readonly Word[], given: string): Word {
  const word = words.find((candidate) => candidate === given);
  if (word === undefined) throw new Error(`${flag} ${given}: this build has ${words.join(", ")}`);
  return word;
}
