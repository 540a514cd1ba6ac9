import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { embedded, type TestBroker } from "../../test/support/brokers.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Digests } from "../flood/digest.ts";
import { Audience } from "./audience.ts";
import { Sender, type SenderOptions } from "./sender.ts";

const USERS = 50;
/** On an idle machine, 40,000 messages take half a second. */
const FULL_WINDOW_MS = 60_000;

describe("Sender", () => {
  let broker: TestBroker;
  let client: BrokerClient;
  before(async () => {
    broker = await embedded.start();
    const log = createLogger("test", "silent");
    client = await BrokerClient.connect({ url: broker.urls.join(",") }, { name: "test", log, wait: false });
  });
  after(async () => {
    await client.close();
    await broker.stop();
  });

  function createSender(more: Partial<SenderOptions>): { sender: Sender; audience: Audience } {
    const audience = new Audience({ users: USERS, friends: 3, seed: 1 }, USERS, "user");
    const options = { client, audience, run: "r1", to: "user" as const, rate: 1_000, seconds: 1 };
    const signal = new AbortController().signal;
    return {
      sender: new Sender({ ...options, delivered: () => Number.POSITIVE_INFINITY, signal, ...more }),
      audience,
    };
  }

  it("messages - are numbered by author, so that their digest is what the audience expects", async () => {
    const received = new Digests(USERS);
    let count = 0;
    const subscribed = client.subscribe("user.*", (message) => {
      const { run, from, seq } = JSON.parse(message.string()) as { run: string; from: string; seq: number };
      assert.deepEqual([run, message.subject], ["r1", `user.${from}`]);
      received.addEvent(Number(from) - 1, from, seq);
      count += 1;
    });
    await client.flush();
    const { sender, audience } = createSender({});
    await sender.send();
    await waitFor("all messages", () => count === sender.messages);
    subscribed.unsubscribe();
    assert.ok(
      sender.messages > 500 && sender.messages <= 1_000,
      `${sender.messages} messages at 1,000 per second`,
    );
    assert.equal(sender.expected, sender.messages);
    assert.deepEqual(received.words, audience.expected().words);
  });

  it("no deliveries - make it stop when its window is full, instead of filling queues", async () => {
    const stopping = new AbortController();
    const { sender } = createSender({
      rate: 100_000,
      seconds: 3_600,
      delivered: () => 0,
      signal: stopping.signal,
    });
    const sending = sender.send();
    await waitFor("the window to be full", () => sender.pauses > 0, FULL_WINDOW_MS);
    const { messages } = sender;
    // the window, and what one turn may send before it checks again
    assert.ok(messages > 40_000 && messages <= 40_000 + 25_000, `${messages} messages`);
    await waitFor("another check of the window", () => sender.pauses > 1);
    assert.equal(sender.messages, messages);
    stopping.abort();
    await assert.rejects(sending, { name: "AbortError" });
  });

  it("Ctrl-C - ends the sender at once", async () => {
    const stopping = new AbortController();
    const { sender } = createSender({ seconds: 3_600, signal: stopping.signal });
    const sending = sender.send();
    await waitFor("some messages", () => sender.messages > 10);
    stopping.abort();
    await assert.rejects(sending, { name: "AbortError" });
  });
});
