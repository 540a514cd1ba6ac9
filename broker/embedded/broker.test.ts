import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect } from "nats";
import { embedded } from "../../test/support/brokers.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { RawClient } from "../conformance/raw-client.ts";
import { testBrokerConformance } from "../conformance/suite.ts";
import { EmbeddedBroker } from "./broker.ts";

testBrokerConformance(embedded);

describe("embedded broker - unsupported protocols", () => {
  /** Lines sent, and the word by which they are refused. */
  const REFUSED: readonly (readonly [string, string])[] = [
    ['CONNECT {"tls_required":true}\r\n', "TLS"],
    ["GET / HTTP/1.1\r\n", "WebSocket"],
    ["RS+ $G a\r\n", "clustering"],
    ["LS+ a\r\n", "leaf nodes"],
  ];
  for (const [lines, word] of REFUSED) {
    it(`${word} - is refused by name, with nats-server as the remedy`, async () => {
      const broker = new EmbeddedBroker({ port: 0 });
      try {
        const client = await RawClient.open(await broker.start(), "");
        assert.match(await client.exchangeUntilClose(lines), new RegExp(`-ERR 'no ${word} .*nats-server`));
      } finally {
        await broker.stop();
      }
    });
  }
});

describe("embedded broker - JetStream's API", () => {
  const broker = new EmbeddedBroker({ port: 0 });
  let port: number;
  before(async () => {
    port = await broker.start();
  });
  after(() => broker.stop());

  /** Requests, and nats-server's type of reply to each (`type` without the common part). */
  const REQUESTS: readonly (readonly [string, string])[] = [
    ["INFO", "account_info"],
    ["STREAM.LIST", "stream_list"],
    ["STREAM.NAMES", "stream_names"],
    ["STREAM.INFO.S", "stream_info"],
    ["STREAM.CREATE.S", "stream_create"],
    ["STREAM.MSG.GET.S", "stream_msg_get"],
    ["STREAM.LEADER.STEPDOWN.S", "stream_leader_stepdown"],
    ["CONSUMER.CREATE.S.C.event.>", "consumer_create"],
    ["CONSUMER.DURABLE.CREATE.S.C", "consumer_create"],
    ["CONSUMER.NAMES.S", "consumer_names"],
    ["CONSUMER.INFO.S.C", "consumer_info"],
    ["SOMETHING.NEW", "system"],
  ];
  for (const [request, kind] of REQUESTS) {
    it(`${request} - gets "JetStream not enabled", and the connection stays open`, async () => {
      const client = await RawClient.open(port);
      const received = await client.exchange(`SUB inbox 1\r\nPUB $JS.API.${request} inbox 2\r\n{}\r\n`);
      const [, json = ""] = /^MSG inbox 1 \d+\r\n(.*)\r\n$/.exec(received) ?? [];
      assert.deepEqual(JSON.parse(json), {
        type: `io.nats.jetstream.api.v1.${kind}_response`,
        error: { code: 503, err_code: 10_076, description: "JetStream not enabled" },
      });
      client.close();
    });
  }

  it("a request for messages - has no responders, so that no client takes an error for a message", async () => {
    for (const request of ["CONSUMER.MSG.NEXT.S.C", "DIRECT.GET.S"]) {
      const client = await RawClient.open(port);
      const lines = `SUB inbox 1\r\nPUB $JS.API.${request} inbox 0\r\n\r\n`;
      assert.match(await client.exchange(lines), /^HMSG inbox 1 \d+ \d+\r\nNATS\/1\.0 503\r\n/);
      client.close();
    }
  });

  it("a publish without a reply subject - gets no reply, and reaches its subscribers", async () => {
    const client = await RawClient.open(port);
    for (const subject of ["$JS.API.INFO", "$JS.ACK.S.C.1.1.1.1.0", "$JS.FC.S"]) {
      assert.equal(await client.exchange(`PUB ${subject} 0\r\n\r\n`), "");
    }
    assert.equal(
      await client.exchange("SUB $JS.ACK.> 1\r\nPUB $JS.ACK.x 2\r\nhi\r\n"),
      "MSG $JS.ACK.x 1 2\r\nhi\r\n",
    );
    client.close();
  });

  it("a client that looks for JetStream - is told that there is none, and continues", async () => {
    const client = await connect({ port });
    await assert.rejects(client.jetstreamManager(), { code: "503" });
    await assert.rejects(client.jetstream().publish("a", "x"), { code: "503" });
    await client.flush();
    assert.equal(client.isClosed(), false);
    await client.close();
  });
});

describe("embedded broker - 503", () => {
  it("no responders - the status names the subject of the request", async () => {
    const broker = new EmbeddedBroker({ port: 0 });
    try {
      const client = await RawClient.open(await broker.start());
      assert.match(
        await client.exchange("SUB inbox 9\r\nPUB no.subscriber inbox 1\r\nx\r\n"),
        /\r\nNats-Subject: no\.subscriber\r\n/,
      );
      client.close();
    } finally {
      await broker.stop();
    }
  });
});

describe("embedded broker - bounds", () => {
  it("max_payload - is announced, and a larger message closes the connection", async () => {
    const broker = new EmbeddedBroker({ port: 0, maxPayload: 100 });
    try {
      const port = await broker.start();
      const client = await connect({ port });
      assert.equal(client.info?.max_payload, 100);
      await client.close();
      const raw = await RawClient.open(port);
      assert.equal(await raw.exchange(`PUB a 100\r\n${"x".repeat(100)}\r\n`), "");
      assert.match(await raw.exchangeUntilClose("PUB a 101\r\n"), /Maximum Payload Violation/);
    } finally {
      await broker.stop();
    }
  });

  it("slow consumer - is disconnected, while other clients continue", async () => {
    const broker = new EmbeddedBroker({ port: 0, maxPendingBytes: 1_048_576 });
    try {
      const port = await broker.start();
      const [slow, quick, sender] = [
        await RawClient.open(port),
        await RawClient.open(port),
        await RawClient.open(port),
      ];
      await slow.exchange("SUB flood 1\r\n");
      await quick.exchange("SUB flood 1\r\n");
      slow.pause();
      const message = `PUB flood 65536\r\n${"x".repeat(65_536)}\r\n`;
      let sent = 0;
      while (broker.stats.closed.slow === 0 && sent < 1_000) {
        await sender.exchange(message);
        sent += 1;
      }
      assert.equal(broker.stats.closed.slow, 1);
      assert.equal(broker.stats.subscriptions, 1);
      const header = /MSG flood 1 65536/g;
      await waitFor(
        "the quick reader to get everything",
        () => (quick.received.match(header) ?? []).length === sent,
      );
      for (const client of [slow, quick, sender]) client.close();
    } finally {
      await broker.stop();
    }
  });

  it("stop - is idempotent and closes every connection", async () => {
    const broker = new EmbeddedBroker({ port: 0 });
    const client = await RawClient.open(await broker.start());
    await client.exchange("SUB a 1\r\n");
    await Promise.all([broker.stop(), broker.stop()]);
    await waitFor("the connection to end", () => client.ended);
    assert.equal(broker.stats.connections, 0);
    assert.equal(broker.stats.subscriptions, 0);
  });
});
