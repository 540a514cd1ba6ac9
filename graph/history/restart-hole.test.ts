// What readers are told of the time between two runs of the service: one hole per start and partition, since
// the last moment at which the service provably listened. Over a real broker, with stops and with images of
// the files that a killed process would leave.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { formatEventId, type Hole } from "../../broker/contract.ts";
import { BrokerClient, decodeHole } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embedded, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { History } from "./history.ts";
import { noteRestart } from "./restart-hole.ts";
import { ROW_KIND } from "./row.ts";
import type { Position } from "./sequences.ts";
import { tagOf } from "./tags.ts";
import { Upkeep } from "./upkeep.ts";

const PARTITIONS = [0, 3];
const BOUNDS = { maxRows: 800, maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: 1e12 };
const log = createLogger("test", "silent");
const encoder = new TextEncoder();

function openHistory(directory: string): Promise<History> {
  return History.open(directory, {
    ...{ partitions: PARTITIONS, lastEpoch: 0, bounds: BOUNDS, recentBytes: 4_194_304, onTrouble() {} },
  });
}

/** Opens what a process that is killed at this moment would leave. */
function openImage(directory: string): Promise<History> {
  const image = tempDir();
  cpSync(directory, image, { recursive: true });
  return openHistory(image);
}

function append(history: History, partition: number, timeMs: number): Position {
  const at = history.nextPosition(partition);
  const body = encoder.encode(`{"id":"${formatEventId({ partition, ...at })}"}`);
  history.append(partition, { kind: ROW_KIND.event, name: "42", timeMs, messageId: "", body });
  return at;
}

/** Returns what a follower of topic 42 missed after a position: the kinds of the rows, and the holes. */
function missedAfter(history: History, partition: number, at: Position): { kinds: number[]; holes: Hole[] } {
  const user = { topics: [tagOf("42")], user: undefined };
  const next = history.nextPosition(partition);
  const { ordinals } = history.findMissed(partition, user, { ...at, open: [] }, next, 1_000);
  const rows = ordinals.map((ordinal) => history.read(ordinal)).filter((row) => row !== undefined);
  const holes = rows.filter(({ kind }) => kind === ROW_KIND.hole).map(({ body }) => decodeHole(body));
  return { kinds: rows.map(({ kind }) => kind), holes };
}

const iso = (ms: number): string => new Date(ms).toISOString();

describe("hole at the start", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  let directory: string;
  let history: History;

  const upkeepOf = (of: History): Upkeep =>
    new Upkeep({ history: of, client, log, oldestNeeded: () => of.next });

  beforeEach(async () => {
    directory = join(tempDir(), "history");
    broker = await embedded.start();
    client = await BrokerClient.connect({ url: urlOf(broker) }, { name: "graph", log, wait: false });
    history = await openHistory(directory);
  });
  afterEach(async () => {
    await history.close();
    await client.close();
    await broker.stop();
  });

  it("new history - has none", () => {
    assert.equal(noteRestart(history, PARTITIONS), 0);
    assert.equal(history.rows, 0);
  });

  it("start after a stop - appends one per partition, after what was stored, since the stop", async () => {
    const upkeep = upkeepOf(history);
    await upkeep.start();
    const first = append(history, 0, 1_000);
    const stopMs = Date.now();
    await upkeep.noteListening();
    await upkeep.stop();
    await history.close();

    history = await openHistory(directory);
    const { lastListeningMs = 0 } = history;
    assert.ok(lastListeningMs >= stopMs && lastListeningMs <= Date.now());
    assert.equal(noteRestart(history, PARTITIONS), 2);
    append(history, 0, Date.now());
    for (const partition of PARTITIONS) {
      const { kinds, holes } = missedAfter(history, partition, { ...first, sequence: 0 });
      const { hole, event } = ROW_KIND;
      assert.deepEqual(kinds, partition === 0 ? [event, hole, event] : [hole]);
      const [{ reason, since } = {} as Hole] = holes;
      assert.deepEqual([reason, since], ["graph-restarted", iso(lastListeningMs)]);
    }
  });

  it("two starts - are two holes for a reader of before, and one for a reader of between", async () => {
    await upkeepOf(history).noteListening();
    const first = append(history, 0, 1_000);
    await history.close();
    history = await openHistory(directory);
    noteRestart(history, PARTITIONS);
    const between = append(history, 0, 2_000);
    await history.close();
    history = await openHistory(directory);
    noteRestart(history, PARTITIONS);
    assert.equal(missedAfter(history, 0, first).holes.length, 2);
    assert.equal(missedAfter(history, 0, between).holes.length, 1);
    assert.equal(missedAfter(history, 0, append(history, 0, 3_000)).holes.length, 0);
  });

  it("killed process - the hole begins at most a second before, and never after the last stored event", async () => {
    const upkeep = upkeepOf(history);
    await upkeep.start();
    const startMs = Date.now();
    let sinceMs = 0;
    await waitFor("a later moment to be recorded", async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const killedMs = Date.now();
      const image = await openImage(directory);
      sinceMs = image.lastListeningMs ?? 0;
      await image.close();
      assert.ok(sinceMs <= killedMs && killedMs - sinceMs < 1_500, `${killedMs - sinceMs} ms`);
      return sinceMs > startMs + 500;
    });
    const storedMs = Date.now();
    const stored = append(history, 0, storedMs);
    await history.flush();
    append(history, 0, storedMs + 5); // not written: it is lost with the process
    const image = await openImage(directory);
    await upkeep.stop();
    noteRestart(image, PARTITIONS);
    const { kinds, holes } = missedAfter(image, 0, { ...stored, sequence: 0 });
    assert.deepEqual(kinds, [ROW_KIND.event, ROW_KIND.hole]);
    assert.equal(holes[0]?.since, iso(storedMs));
    await image.close();
  });

  it("process killed before it recorded anything - the hole begins at its start", async () => {
    const beforeMs = Date.now();
    const image = await openImage(directory);
    const { lastListeningMs = 0 } = image;
    assert.ok(lastListeningMs <= beforeMs && beforeMs - lastListeningMs < 10_000);
    assert.equal(noteRestart(image, PARTITIONS), 2);
    await image.close();
  });

  it("start that never listened - does not move the hole", async () => {
    await upkeepOf(history).noteListening();
    await history.close();
    history = await openHistory(directory);
    const { lastListeningMs } = history;
    await history.close(); // as while it waits for NATS
    history = await openHistory(directory);
    assert.equal(history.lastListeningMs, lastListeningMs);
  });

  it("wall clock set back by an hour - the hole is not in the future, so that a page can load what was lost", async () => {
    const hourMs = 3_600_000;
    append(history, 0, Date.now() + hourMs); // stamped before the clock was set back
    await upkeepOf(history).noteListening();
    await history.close();
    history = await openHistory(directory);
    assert.ok((history.lastListeningMs ?? 0) <= Date.now());
    history.noteListening(Date.now() + hourMs); // killed before it noted anything by the present clock
    await history.close();
    history = await openHistory(directory);
    noteRestart(history, PARTITIONS);
    const { holes } = missedAfter(history, 3, { epoch: history.epoch, sequence: 0 });
    assert.deepEqual(
      holes.map(({ reason, since }) => [reason, since]),
      [["graph-restarted", undefined]],
      "pages reload everything",
    );
  });

  it("NATS away or denied subscription - records nothing", async () => {
    const upkeep = upkeepOf(history);
    await upkeep.noteListening();
    await history.flush();
    const { lastListeningMs } = await withImage(directory);
    await broker.stop();
    const noting = upkeep.noteListening(); // begun while the loss of the connection may still be unnoticed
    await waitFor("the loss of the connection", () => !client.connected);
    await upkeep.noteListening();
    const restored = await embedded.start(broker.ports);
    broker = restored;
    await waitFor("the connection", () => client.connected);
    await noting;
    await history.flush();
    assert.equal((await withImage(directory)).lastListeningMs, lastListeningMs);
    await upkeep.noteListening();
    await history.flush();
    assert.ok(((await withImage(directory)).lastListeningMs ?? 0) > (lastListeningMs ?? 0));
  });

  it("hole that was deleted - still counts for `since`", async () => {
    const first = append(history, 0, 1_000);
    await history.close();
    history = await openHistory(directory);
    noteRestart(history, PARTITIONS);
    for (let row = 0; row < 2_000; row += 1) append(history, 0, 9_000);
    await history.trim(9_000, history.next);
    assert.ok((history.earliestDeletedAfter(0, first) ?? 9_000) <= 1_000);
  });
});

async function withImage(directory: string): Promise<{ lastListeningMs: number | undefined }> {
  const image = await openImage(directory);
  await image.close();
  return image;
}
