import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { embedded } from "../../test/support/brokers.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { RawClient } from "../conformance/raw-client.ts";
import { testBrokerConformance } from "../conformance/suite.ts";
import { EmbeddedBroker } from "./broker.ts";

testBrokerConformance(embedded);

describe("embedded broker - what it is not", () => {
  /** Lines, and the word by which they are refused. */
  const REFUSED: readonly (readonly [string, string])[] = [
    ['CONNECT {"tls_required":true}\r\n', "TLS"],
    ["GET / HTTP/1.1\r\n", "WebSocket"],
    ["RS+ $G a\r\n", "clustering"],
    ["LS+ a\r\n", "leaf nodes"],
  ];
  for (const [lines, word] of REFUSED) {
    it(`${word} - refused by name, with nats-server as the remedy`, async () => {
      const broker = new EmbeddedBroker({ port: 0 });
      try {
        const client = await RawClient.open(await broker.start(), "");
        assert.match(await client.exchangeUntilClose(lines), new RegExp(`-ERR 'no ${word} .*nats-server`));
      } finally {
        await broker.stop();
      }
    });
  }

  it("JetStream - refused by name, the connection stays", async () => {
    const broker = new EmbeddedBroker({ port: 0 });
    try {
      const client = await RawClient.open(await broker.start());
      assert.match(
        await client.exchange("PUB $JS.API.INFO inbox 0\r\n\r\n"),
        /-ERR 'no JetStream .*nats-server/,
      );
      client.close();
    } finally {
      await broker.stop();
    }
  });
});

describe("embedded broker - bounds", () => {
  it("slow consumer - one that stops reading is cut, the others go on", async () => {
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

  it("stop - idempotent, every connection ends", async () => {
    const broker = new EmbeddedBroker({ port: 0 });
    const client = await RawClient.open(await broker.start());
    await client.exchange("SUB a 1\r\n");
    await Promise.all([broker.stop(), broker.stop()]);
    await waitFor("the connection to end", () => client.ended);
    assert.equal(broker.stats.connections, 0);
    assert.equal(broker.stats.subscriptions, 0);
  });
});
