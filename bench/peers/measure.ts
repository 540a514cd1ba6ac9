// Measures one contender from a fresh process to its end: memory when cold, when warm and after messages, the
// cost of accepting and of single writes at full speed, and latency at a steady rate. The reader counts every
// message, and the row fails if any is missing or duplicated.

import { waitFor } from "../../test/support/wait-for.ts";
import { cpuSeconds, settledMemoryKb } from "../support/process-figures.ts";
import { round } from "../support/report.ts";
import { type Contender, stopOnSignal } from "./contender.ts";
import { CountingReader } from "./reader.ts";
import type { Variant } from "./variants.ts";

export interface Plan {
  readonly streams: number;
  /** Number of single writes at full speed. */
  readonly messages: number;
  readonly rate: number;
  readonly seconds: number;
  /** Time during which memory must not change. */
  readonly stillSeconds: number;
}

export interface Figures {
  readonly "KB a stream, cold": number;
  readonly "KB a stream, warm": number;
  readonly "KB a stream, after 10 messages": number;
  readonly "CPU-s per 10k accepts": number;
  readonly "CPU µs a message": number;
  readonly "messages a second": number;
  readonly "reader's CPU µs a message": number;
  readonly "p50 ms": number;
  readonly "p99 ms": number;
}

const WARM_UP = 1_000;
const MESSAGES_EACH = 10;
const OPEN_MS = 120_000;
const ARRIVE_MS = 180_000;

/**
 * Measures a contender.
 * @throws Error if a stream does not open or a message does not arrive
 */
export async function measure({ hello, start }: Variant, plan: Plan): Promise<Figures> {
  const { streams, messages, rate, seconds, stillSeconds } = plan;
  const server = await start(streams);
  const stopped = stopOnSignal(server);
  const memory = (): Promise<number> => settledMemoryKb(server.pid, stillSeconds);
  const cpu = (): number => cpuSeconds(server.pid);
  let reader: CountingReader | undefined;
  try {
    const coldKb = await memory();
    const warmUp = new CountingReader(server.port, hello, WARM_UP);
    await untilOpen(server, warmUp, WARM_UP);
    await warmUp.stop();
    await waitFor("the warm-up's streams to be closed", async () => (await server.count()) === 0, OPEN_MS);
    const warmKb = await memory();

    const beforeAccepts = cpu();
    reader = new CountingReader(server.port, hello, streams);
    await untilOpen(server, reader, streams);
    const acceptSeconds = cpu() - beforeAccepts;
    const idleKb = await memory();

    const opened = reader;
    const received = async (): Promise<number> => (await opened.stats()).messages;
    await reader.reset();
    await server.each(MESSAGES_EACH, received);
    await untilRead(reader, streams * MESSAGES_EACH);
    const { least, most } = await reader.stats();
    if (least !== MESSAGES_EACH || most !== MESSAGES_EACH)
      throw new Error(`a stream got ${least} to ${most} messages instead of ${MESSAGES_EACH}`);
    const busyKb = await memory();

    await reader.reset();
    const [beforeWrites, readerBefore, startedAtMs] = [cpu(), reader.cpuSeconds, performance.now()];
    await server.random(messages, received);
    await untilRead(reader, messages);
    const [writeSeconds, readSeconds] = [cpu() - beforeWrites, reader.cpuSeconds - readerBefore];
    const wallSeconds = (performance.now() - startedAtMs) / 1000;

    await reader.reset();
    await server.paced(rate, seconds);
    await untilRead(reader, rate * seconds);
    const { p50Us, p99Us } = await reader.stats();
    return {
      "KB a stream, cold": round((idleKb - coldKb) / streams),
      "KB a stream, warm": round((idleKb - warmKb) / streams),
      "KB a stream, after 10 messages": round((busyKb - warmKb) / streams),
      "CPU-s per 10k accepts": round((acceptSeconds / streams) * 10_000),
      "CPU µs a message": round((writeSeconds / messages) * 1e6),
      "messages a second": Math.round(messages / wallSeconds),
      "reader's CPU µs a message": round((readSeconds / messages) * 1e6),
      "p50 ms": round(p50Us / 1000),
      "p99 ms": round(p99Us / 1000),
    };
  } finally {
    await reader?.stop();
    await server.stop();
    stopped();
  }
}

/** Waits until the reader has read every head and the server lists every stream. */
export async function untilOpen(server: Contender, reader: CountingReader, streams: number): Promise<void> {
  await waitFor(
    `${streams} streams to be open`,
    async () => {
      const { open, failed, closed } = await reader.stats();
      if (failed + closed > 0) throw new Error(`${failed} streams did not open, ${closed} were closed`);
      return open === streams && (await server.count()) === streams;
    },
    OPEN_MS,
  );
}

/** Waits until every message has been read exactly once. */
export async function untilRead(reader: CountingReader, messages: number): Promise<void> {
  await waitFor(
    `${messages} messages to be read`,
    async () => {
      const stats = await reader.stats();
      if (stats.malformed + stats.closed > 0 || stats.messages > messages)
        throw new Error(`the messages read are not those that were sent: ${JSON.stringify(stats)}`);
      return stats.messages === messages;
    },
    ARRIVE_MS,
  );
}
