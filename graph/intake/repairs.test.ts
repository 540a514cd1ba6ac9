// Repairs with recorded publishes and given times; test/stream-intake.test.ts runs them with real servers.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { parseTopic } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { ROW_KIND } from "../history/row.ts";
import { Marks } from "./marks.ts";
import { Repairs } from "./repairs.ts";
import { type CoreCopy, keyOf, Twins } from "./twins.ts";

interface Published {
  readonly subject: string;
  readonly messageId: string | undefined;
  readonly token: string | undefined;
}

describe("repairs", () => {
  let published: Published[];
  let twins: Twins;
  let repairs: Repairs;
  let marks: Marks;
  let abandoned: CoreCopy[];

  beforeEach(() => {
    published = [];
    const publish: BrokerClient["publish"] = (subject, _payload, { headers } = {}) => {
      const [messageId, token] = [headers?.get("Nats-Msg-Id"), headers?.get("Encke-Again")];
      published.push({ subject, messageId, token });
      return "sent";
    };
    const client = { connected: true, publish };
    twins = new Twins(() => {});
    marks = new Marks(client, "w");
    abandoned = [];
    const onAbandoned = (copy: CoreCopy): void => void abandoned.push(copy);
    const log = createLogger("test", "silent");
    repairs = new Repairs({ client, twins, marks, writer: "w", onAbandoned, log });
  });

  const add = (topic: string, atMs: number, messageId = ""): CoreCopy => {
    const name = parseTopic(topic);
    const incoming = { kind: ROW_KIND.event, name, topic: name, messageId, payload: new Uint8Array(1) };
    const key = keyOf(0, incoming);
    const subject = `event.${topic}`;
    const copy = {
      partition: 0,
      subject,
      incoming,
      reply: undefined,
      key,
      arrivedMs: atMs,
      atMs,
      repairs: 0,
      token: undefined,
    };
    twins.add(copy);
    return copy;
  };
  const subjects = (): string[] => published.map(({ subject }) => subject);

  it("a copy that waits for two seconds - sends one mark, and another after three more", () => {
    add("1", 0);
    for (const nowMs of [1_000, 2_100, 2_350, 5_000, 5_200]) repairs.tick(nowMs);
    assert.deepEqual(subjects(), ["part.0.mark.w-1", "part.0.mark.w-2"]);
  });

  it("a mark that comes back - repairs what arrived a second before it, once, and nothing younger", () => {
    add("old", 0);
    add("young", 1_500);
    repairs.tick(2_100);
    assert.equal(marks.take(0, "w-1"), 2_100);
    repairs.onMark(0, 2_100);
    repairs.onMark(0, 2_100);
    repairs.tick(2_350);
    repairs.tick(2_600);
    assert.deepEqual(subjects().slice(1), ["event.old"]);
    assert.equal(repairs.published, 1);
  });

  it("a copy whose twin comes before the repair - is not published", () => {
    const { key } = add("1", 0);
    repairs.tick(2_100);
    repairs.onMark(0, 2_100);
    twins.take(key);
    repairs.tick(2_350);
    assert.deepEqual(subjects(), ["part.0.mark.w-1"]);
  });

  it("an event with a message id - keeps it in the first attempt only, so that no attempt is refused", () => {
    const copy = add("1", 0, "mine");
    for (const markMs of [2_000, 5_000]) {
      repairs.onMark(0, markMs);
      repairs.tick(markMs);
    }
    const [first, second] = published.filter(({ token }) => token !== "" && token !== undefined);
    assert.deepEqual([first?.messageId, second?.messageId], ["mine", "again-w-2"]);
    assert.equal(repairs.take("w-1"), undefined, "an earlier attempt");
    assert.equal(repairs.take("w-2"), copy);
    assert.equal(twins.size, 0);
  });

  it("an event that is never stored - is given up after five attempts and counted", () => {
    const copy = add("1", 0);
    for (let markMs = 2_000; markMs < 30_000; markMs += 3_000) {
      repairs.onMark(0, markMs);
      repairs.tick(markMs);
    }
    assert.deepEqual([repairs.published, repairs.abandoned, twins.size], [5, 1, 0]);
    assert.deepEqual(abandoned, [copy]);
  });
});
