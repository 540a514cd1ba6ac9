// The NATS client of a process: its states, messages in each state, and errors. limits.test.ts tests sizes,
// service.test.ts micro services, and reconnecting.test.ts a wall clock that is set.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { pino } from "pino";
import { createLogger } from "../lib/log.ts";
import { anyFreePort } from "../lib/ports.ts";
import { brokers, embedded, type TestBroker, urlOf } from "../test/support/brokers.ts";
import { NatsProcess } from "../test/support/nats-process.ts";
import { natsServer } from "../test/support/nats-servers.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { BrokerClient } from "./client.ts";
import type { ConnectOptions } from "./dial.ts";

const log = createLogger("test", "silent");
const OPTIONS: ConnectOptions = { name: "test", log, wait: false };

for (const broker of brokers) {
  describe(`client over ${broker.name}`, { skip: broker.skip }, () => {
    let running: TestBroker;
    let opened: BrokerClient[] = [];
    const connect = async (options: Partial<ConnectOptions> = {}): Promise<BrokerClient> => {
      const client = await BrokerClient.connect({ url: urlOf(running) }, { ...OPTIONS, ...options });
      opened.push(client);
      return client;
    };

    before(async () => {
      running = await broker.start();
    });
    afterEach(async () => {
      for (const client of opened) await client.close();
      opened = [];
    });
    after(() => running.stop());

    it("lost connection - is reported, refuses and counts messages, and keeps subscriptions", async () => {
      const client = await connect();
      const received: string[] = [];
      const states: boolean[] = [];
      const removed: boolean[] = [];
      client.subscribe("survives", (message) => received.push(message.string()));
      client.onStatus((connected) => states.push(connected));
      client.onStatus((connected) => removed.push(connected))();
      await client.flush();
      await running.stop();
      await waitFor("the loss", () => !client.connected);
      assert.equal(client.publish("survives", "lost"), "away");
      await assert.rejects(client.request("survives", "", 1_000), { code: "NATS_DISCONNECTED" });
      running = await broker.start(running.ports);
      await waitFor("the reconnect", () => client.connected);
      assert.equal(client.publish("survives", "kept"), "sent");
      await waitFor("the message", () => received.length > 0);
      assert.deepEqual(received, ["kept"]);
      assert.deepEqual([states, removed], [[false, true], []]);
      assert.deepEqual([client.refusedPublishes, client.unfitPublishes, client.reconnects], [1, 0, 1]);
    });

    it("callback that throws - does not end its subscription or the client", async () => {
      const client = await connect();
      const received: string[] = [];
      client.subscribe("thrown", (message) => {
        received.push(message.string());
        throw new Error("handler failed");
      });
      for (const payload of ["1", "2"]) client.publish("thrown", payload);
      await client.flush();
      assert.deepEqual(received, ["1", "2"]);
    });

    it("unsubscribe and drain - end a subscription at once, and after the messages that were sent", async () => {
      const [client, producer] = [await connect(), await connect()];
      const received: string[] = [];
      const ended = client.subscribe("ended", () => received.push("ended"));
      const drained = client.subscribe("drained", (message) => received.push(message.string()));
      await client.flush();
      for (let n = 0; n < 100; n += 1) producer.publish("drained", String(n));
      await producer.flush();
      ended.unsubscribe();
      await drained.drain();
      assert.deepEqual(
        received,
        Array.from({ length: 100 }, (_, n) => String(n)),
      );
      for (const subject of ["ended", "drained"]) producer.publish(subject, "late");
      await producer.flush();
      await client.flush();
      assert.equal(received.length, 100);
      ended.unsubscribe();
      await drained.drain();
    });

    it("request - fails at once without a subscriber, and after its timeout without a reply", async () => {
      const [client, mute] = [await connect(), await connect()];
      mute.subscribe("mute", () => {});
      await mute.flush();
      await assert.rejects(client.request("absent", "", 5_000), { code: "NO_RESPONDERS" });
      const startMs = performance.now();
      await assert.rejects(client.request("mute", "", 100), { code: "REQUEST_TIMEOUT" });
      assert.ok(performance.now() - startMs > 90);
    });

    it("respond - sends nothing if the sender expects no reply", async () => {
      const client = await connect();
      const results: unknown[] = [];
      client.subscribe("one-way", (message) => results.push(client.respond(message, "reply")));
      client.publish("one-way", "");
      await client.flush();
      assert.deepEqual([results, client.refusedPublishes, client.unfitPublishes], [[undefined], 0, 0]);
    });

    it("close - sends queued messages, is idempotent, and refuses later messages", async () => {
      const [client, other] = [await connect(), await connect()];
      const received: string[] = [];
      other.subscribe("closing", (message) => received.push(message.string()));
      await other.flush();
      client.publish("closing", "last");
      await Promise.all([client.close(), client.close()]);
      await other.flush();
      assert.deepEqual(received, ["last"]);
      assert.equal(client.publish("closing", "late"), "away");
      await assert.rejects(client.flush(), { code: "NATS_DISCONNECTED" });
    });
  });
}

describe("dialing", () => {
  it("no server - fails at once without `wait`, with the address and a remedy", async () => {
    const url = `nats://127.0.0.1:${await anyFreePort("127.0.0.1")}`;
    await assert.rejects(BrokerClient.connect({ url }, OPTIONS), {
      code: "NATS_UNREACHABLE",
      message: /127\.0\.0\.1:\d+ .*encke up/,
    });
  });

  it("no server yet - is waited for with `wait`", async (t) => {
    const port = await anyFreePort("127.0.0.1");
    const lines: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
    const url = `nats://127.0.0.1:${port}`;
    const connecting = BrokerClient.connect({ url }, { ...OPTIONS, log, wait: true });
    await waitFor("the first attempt to fail", () => lines.length > 0);
    assert.match(lines[0] ?? "", /waiting for NATS/);
    const broker = await embedded.start([port]);
    t.after(() => broker.stop());
    const client = await connecting;
    t.after(() => client.close());
    assert.ok(client.connected);
  });

  it("signal - aborts the wait", async () => {
    const url = `nats://127.0.0.1:${await anyFreePort("127.0.0.1")}`;
    const abort = new AbortController();
    const connecting = BrokerClient.connect({ url }, { ...OPTIONS, wait: true, signal: abort.signal });
    abort.abort();
    await assert.rejects(connecting, { name: "AbortError" });
  });

  it("refused credentials - fail at once even with `wait`", { skip: natsServer.skip }, async (t) => {
    const server = await NatsProcess.start(natsServer, "authorization { user: a, password: b }\n");
    t.after(() => server.stop());
    const config = { url: server.url, user: "a", password: "wrong" };
    await assert.rejects(BrokerClient.connect(config, { ...OPTIONS, wait: true }), {
      code: "NATS_UNREACHABLE",
      message: /check NATS_USER/,
    });
  });
});

describe("refused subscriptions", { skip: natsServer.skip }, () => {
  const granting = (subjects: readonly string[]): string => `authorization { users: [
    { user: u, password: p, permissions: { publish: ">", subscribe: ${JSON.stringify(subjects)} } }
  ] }\n`;

  it("refused subject - is reported until NATS grants it, then receives messages and notifies listeners", async (t) => {
    const server = await NatsProcess.start(natsServer, granting(["open", "_INBOX.>"]));
    t.after(() => server.stop());
    const client = await BrokerClient.connect({ url: server.url, user: "u", password: "p" }, OPTIONS);
    t.after(() => client.close());
    const received: string[] = [];
    let grants = 0;
    client.onGranted(() => {
      grants += 1;
    });
    for (const subject of ["open", "closed"])
      client.subscribe(subject, (message) => received.push(message.subject));
    await waitFor("the refusal", () => client.refused.length > 0);
    assert.deepEqual(client.refused, ["closed"]);
    await server.reload(granting(["open", "closed", "_INBOX.>"]));
    await waitFor("the grant", () => client.refused.length === 0);
    assert.equal(grants, 1);
    for (const subject of ["open", "closed"]) client.publish(subject);
    await waitFor("both messages", () => received.length === 2);
  });

  it("refused subject that is unsubscribed - is no longer reported", async (t) => {
    const server = await NatsProcess.start(natsServer, granting(["_INBOX.>"]));
    t.after(() => server.stop());
    const client = await BrokerClient.connect({ url: server.url, user: "u", password: "p" }, OPTIONS);
    t.after(() => client.close());
    const subscription = client.subscribe("closed", () => {});
    await waitFor("the refusal", () => client.refused.length > 0);
    subscription.unsubscribe();
    assert.deepEqual(client.refused, []);
  });
});
