import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { EnckeError } from "../lib/errors.ts";
import { createLogger } from "../lib/log.ts";
import { embedded, type TestBroker, urlOf } from "../test/support/brokers.ts";
import { BrokerClient } from "./client.ts";
import { BrokerError } from "./errors.ts";
import { replyOf, serviceErrorOf } from "./message.ts";
import { type ErrorReplyOptions, replyError } from "./reply-error.ts";

const log = createLogger("test", "silent");

describe("replyError", () => {
  let broker: TestBroker;
  let service: BrokerClient;
  let client: BrokerClient;

  before(async () => {
    broker = await embedded.start();
    const open = (): Promise<BrokerClient> =>
      BrokerClient.connect({ url: urlOf(broker) }, { name: "test", log, wait: false });
    [service, client] = [await open(), await open()];
  });
  after(async () => {
    await service.close();
    await client.close();
    await broker.stop();
  });

  /** Returns what a client receives if a service fails with this error. */
  const replyTo = async (error: unknown, options?: ErrorReplyOptions) => {
    const served = service.subscribe("failing", (message) => {
      replyError(service, replyOf(message), error, options);
    });
    await service.flush();
    const reply = await client.request("failing", "", 2_000);
    served.unsubscribe();
    return { ...serviceErrorOf(reply), payload: reply.string() };
  };

  it("an error of the caller - is sent with its status and its text", async () => {
    const tooLarge = new BrokerError("PAYLOAD_TOO_LARGE", "too large: send less");
    assert.deepEqual(await replyTo(tooLarge), { code: 413, message: "too large: send less", payload: "" });
    const bad = new BrokerError("BAD_TOPIC", "line one\r\nline two");
    assert.deepEqual(await replyTo(bad), { code: 400, message: "line one line two", payload: "" });
  });

  it("a hidden error - is sent with status 500 and a general text", async () => {
    const hidden = [
      new BrokerError("BAD_EVENT", "secret"),
      new EnckeError("UNLISTED", "secret"),
      new Error("secret"),
      "secret",
    ];
    for (const error of hidden) {
      const reply = await replyTo(error);
      assert.equal(reply.code, 500);
      assert.doesNotMatch(reply.message ?? "", /secret/);
    }
    const hiddenText = "not handed on";
    assert.equal((await replyTo(new Error("secret"), { hiddenText })).message, hiddenText);
  });

  it("a payload - is sent along with the error", async () => {
    const reply = await replyTo(new BrokerError("NO_RESPONDERS", "starting"), { payload: "token" });
    assert.deepEqual(reply, { code: 503, message: "starting", payload: "token" });
  });

  it("a message without a reply subject - gets no reply, and the result says what would have been sent", () => {
    const published: string[] = [];
    const publisher = { publish: (subject: string) => published.push(subject) };
    const told = replyError(publisher, undefined, new BrokerError("BAD_USER", "bad"));
    assert.deepEqual(told, { status: 400, text: "bad", shown: true });
    assert.deepEqual(published, []);
  });
});
