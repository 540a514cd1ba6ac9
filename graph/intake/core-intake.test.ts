// The intake with a real broker and a real history: what is stored, what is refused, and which reply a sender
// receives and when.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { COPY_PREFIX, formatEventId } from "../../broker/contract.ts";
import { BrokerClient, type Msg, messageIdHeaders, serviceErrorOf } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embedded, type TestBroker, urlOf } from "../../test/support/brokers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { assemble, type ServiceParts } from "../assemble.ts";
import { GraphStore } from "../graph-store.ts";
import { History } from "../history/history.ts";
import type { HistoryBounds } from "../history/retention.ts";
import { ROW_KIND } from "../history/row.ts";
import { Partitions } from "../partitions.ts";
import { DEFAULT_HISTORY_BOUNDS } from "../service.ts";

const REPLY_MS = 3_000;
/** More events than the former in-memory queue could hold. */
const BURST = 60_000;
const log = createLogger("test", "silent");

interface Reply {
  readonly id: string;
  readonly duplicate?: boolean;
}

describe("intake", () => {
  let directory: string;
  let broker: TestBroker;
  let producer: BrokerClient;
  let client: BrokerClient;
  let store: GraphStore;
  let history: History;
  let parts: ServiceParts;
  let received: string[];

  async function start(bounds: HistoryBounds = DEFAULT_HISTORY_BOUNDS): Promise<void> {
    client = await BrokerClient.connect({ url: urlOf(broker) }, { name: "graph", log, wait: false });
    store = await GraphStore.open(directory);
    history = await History.open(`${directory}/history`, {
      ...{ partitions: [0], lastEpoch: store.historyEpoch, bounds, recentBytes: 4_194_304, onTrouble() {} },
    });
    parts = assemble({ store, history, client, partitions: Partitions.whole, epoch: 7, log });
    parts.intake.open();
    await client.flush();
  }

  async function stop(): Promise<void> {
    parts.losses.stop();
    parts.requests.close();
    await parts.sends.stop();
    await client.close();
    await history.close();
    await store.close();
  }

  const send = (payload: string, messageId?: string): Promise<Msg> =>
    producer.request(
      "event.42",
      payload,
      REPLY_MS,
      messageId === undefined ? undefined : messageIdHeaders(messageId),
    );
  const request = async (payload: string, messageId?: string): Promise<Reply> =>
    (await send(payload, messageId)).json<Reply>();

  /** Resolves when everything published so far has been appended. */
  async function arrived(): Promise<void> {
    await producer.flush();
    await client.flush();
  }

  beforeEach(async () => {
    directory = tempDir();
    broker = await embedded.start();
    producer = await BrokerClient.connect({ url: urlOf(broker) }, { name: "producer", log, wait: false });
    received = [];
    producer.subscribe(`${COPY_PREFIX}*`, (message) => received.push(message.string()));
    await producer.flush();
    await start();
  });
  afterEach(async () => {
    await stop();
    await producer.close();
    await broker.stop();
  });

  it("repeated message id - replies with the first event's id, also after a restart, and sends nothing again", async () => {
    parts.expander.open();
    const first = await request("pay", "order-1");
    assert.equal(first.duplicate, undefined);
    const duplicate = { id: first.id, recipients: 0, online: 0, delivered: 0, timedOut: 0, duplicate: true };
    assert.deepEqual(await request("pay", "order-1"), duplicate);
    await stop();
    await start();
    parts.expander.open();
    assert.deepEqual(await request("pay", "order-1"), duplicate);
    const other = await request("pay", "order-2");
    assert.notEqual(other.id, first.id);
    assert.equal(parts.intake.counts.duplicate, 1);
    await waitFor("both copies", () => received.length >= 2);
    assert.deepEqual(
      received.map((json) => (JSON.parse(json) as Reply).id),
      [first.id, other.id],
    );
  });

  it("message id that is too long - is refused with its length", async () => {
    const reply = await send("x", "é".repeat(128));
    assert.deepEqual(serviceErrorOf(reply), {
      code: 400,
      message: "the Nats-Msg-Id has 256 bytes, the maximum is 255: use a shorter one",
    });
    assert.equal(history.rows, 0);
  });

  it("counted event that waits for fan-out - gets a reply without a count after a second, and is sent later", async () => {
    const sentMs = performance.now();
    const reply = await request("late");
    const tookMs = performance.now() - sentMs;
    assert.ok(tookMs > 900 && tookMs < 2_000, `${tookMs} ms`);
    const id = formatEventId({ partition: 0, epoch: history.epoch, sequence: 1 });
    assert.deepEqual(reply, { id, recipients: 0, online: 0, delivered: 0, timedOut: 0 });
    assert.deepEqual([parts.sends.uncounted, received.length], [1, 0]);
    parts.expander.open();
    await waitFor("the event", () => received.length === 1);
  });

  it("burst before fan-out begins - is stored completely", async () => {
    for (let event = 0; event < BURST; event += 1) producer.publish("event.42", String(event));
    await arrived();
    assert.equal(history.rows, BURST);
    assert.equal(parts.expander.waiting, BURST);
    assert.deepEqual(parts.intake.counts, { rejected: 0, overloaded: 0, duplicate: 0 });
  });

  it("waiting events - are fanned out in order of arrival", async () => {
    for (let event = 0; event < 1_000; event += 1) producer.publish("event.42", String(event));
    await arrived();
    assert.equal(received.length, 0);
    parts.expander.open();
    await waitFor("every copy", () => received.length === 1_000);
    for (const [index, json] of received.entries())
      assert.equal((JSON.parse(json) as { data: string }).data, String(index));
  });

  it("history full of waiting events - refuses more until fan-out has caught up", async () => {
    await stop();
    await start({ ...DEFAULT_HISTORY_BOUNDS, maxBytes: 100_000 });
    const payload = "x".repeat(1_000);
    for (let event = 0; event < 120; event += 1) producer.publish("event.42", payload);
    await arrived();
    assert.ok(parts.intake.counts.overloaded > 0);
    const HOLE = 1;
    assert.equal(history.rows + parts.intake.counts.overloaded, 120 + HOLE);
    assert.equal(history.read(history.next - 1)?.kind, ROW_KIND.hole);
    const refused = serviceErrorOf(await send(payload));
    assert.equal(refused?.code, 503);
    assert.match(
      refused?.message ?? "",
      /^\d+ events are already waiting for fan-out: send fewer per second/,
    );
    parts.expander.open();
    await parts.expander.settle();
    await history.trim(Date.now(), parts.expander.oldestNeeded);
    assert.ok((await request(payload)).id);
  });
});
