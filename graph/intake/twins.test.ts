import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTopic } from "../../broker/contract.ts";
import { ROW_KIND } from "../history/row.ts";
import type { Incoming } from "./incoming.ts";
import { type CoreCopy, keyOf, Twins } from "./twins.ts";

const encoder = new TextEncoder();

function incoming(topic: string, payload: string | Uint8Array, messageId = ""): Incoming {
  const name = parseTopic(topic);
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  return { kind: ROW_KIND.event, name, topic: name, messageId, payload: bytes };
}

function copyOf(content: Incoming, atMs = 0, partition = 0): CoreCopy {
  const key = keyOf(partition, content);
  const subject = `event.${content.name}`;
  return {
    partition,
    subject,
    incoming: content,
    reply: undefined,
    key,
    arrivedMs: atMs,
    atMs,
    repairs: 0,
    token: undefined,
  };
}

describe("keys of twins", () => {
  const key = keyOf(0, incoming("42", "hello"));
  it("equal content - has equal keys", () => assert.equal(keyOf(0, incoming("42", "hello")), key));

  const others = {
    topic: incoming("43", "hello"),
    payload: incoming("42", "hell0"),
    "message id": incoming("42", "hello", "id"),
    kind: { ...incoming("42", "hello"), kind: ROW_KIND.direct, topic: undefined },
  };
  for (const [what, other] of Object.entries(others))
    it(`different ${what} - has different keys`, () => assert.notEqual(keyOf(0, other), key));

  it("same message id - has equal keys in one partition, whatever the content", () => {
    assert.equal(keyOf(3, incoming("1", "a", "id")), keyOf(3, incoming("2", "b", "id")));
    assert.notEqual(keyOf(3, incoming("1", "a", "id")), keyOf(4, incoming("1", "a", "id")));
  });

  it("payloads of 64 KiB that differ in one byte - have different, short keys", () => {
    const [one, other] = [new Uint8Array(65_536), new Uint8Array(65_536)];
    other[40_000] = 1;
    assert.notEqual(keyOf(0, incoming("42", one)), keyOf(0, incoming("42", other)));
    assert.ok(keyOf(0, incoming("42", one)).length < 100);
  });
});

describe("twins", () => {
  it("equal copies - are taken oldest first", () => {
    const twins = new Twins(() => {});
    const copies = [1, 2, 3].map((atMs) => copyOf(incoming("42", "hi"), atMs));
    for (const copy of copies) twins.add(copy);
    const key = copies[0]?.key ?? "";
    assert.deepEqual(
      [twins.take(key), twins.take(key), twins.take(key), twins.take(key)],
      [...copies, undefined],
    );
    assert.equal(twins.size, 0);
  });

  it("overdue copies - are found by partition, also behind a stream of equal younger ones", () => {
    const twins = new Twins(() => {});
    const overdue = copyOf(incoming("7", "rare"), 10, 1);
    twins.add(copyOf(incoming("42", "hi"), 5));
    twins.add(overdue);
    twins.add(copyOf(incoming("42", "hi"), 900));
    twins.take(keyOf(0, incoming("42", "hi")));
    assert.deepEqual([...twins.partitionsWaitingSince(500)], [1]);
    assert.deepEqual(twins.waitingSince(1, 500), [overdue]);
    twins.renew(overdue, 1_000);
    assert.deepEqual([...twins.partitionsWaitingSince(950)], [0]);
    assert.equal(overdue.repairs, 1);
  });

  it("more bytes than fit - drops the oldest copies and counts them", () => {
    let told = 0;
    const twins = new Twins(() => {
      told += 1;
    });
    const payload = new Uint8Array(65_536);
    for (let number = 0; number < 2_100; number += 1)
      twins.add(copyOf(incoming(`t${number}`, payload), number));
    assert.ok(twins.dropped > 0 && twins.dropped < 200, `dropped ${twins.dropped}`);
    assert.deepEqual([twins.size + twins.dropped, told], [2_100, twins.dropped]);
    assert.equal(twins.take(keyOf(0, incoming("t0", payload))), undefined);
  });
});
