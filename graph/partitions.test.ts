import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTopic } from "../broker/contract.ts";
import { Partitions } from "./partitions.ts";

describe("partitions", () => {
  it("ranges, lists and single numbers - are parsed and formatted in their shortest form", () => {
    const forms = {
      "0-3/16": "0-3/16",
      "2/4": "2/4",
      "7,0,2,5-6/16": "0,2,5-7/16",
      "1,0/2": "0-1/2",
      "0/1": "0/1",
    };
    for (const [given, shown] of Object.entries(forms)) assert.equal(String(Partitions.parse(given)), shown);
    assert.deepEqual(Partitions.parse("0,2,5-7/16").owned, [0, 2, 5, 6, 7]);
    assert.equal(Partitions.parse("0-255/256").owned.length, 256);
  });

  it("malformed text - is refused with a message that quotes it and names the correct form", () => {
    const bad = [
      "",
      "3",
      "/4",
      "4/4",
      "0-4/4",
      "3-1/4",
      "0/0",
      "0-1/257",
      "a/4",
      "0,/4",
      "0/4/4",
      "-1/4",
      "1.5/4",
    ];
    for (const given of bad) {
      assert.throws(
        () => Partitions.parse(given),
        { code: "BAD_PARTITIONS", message: /say which of how many/ },
        given,
      );
    }
  });

  it("a topic - is owned by exactly one of several shares, and by a graph that is not split", () => {
    const shares = ["0-3/16", "4,6/16", "5,7-15/16"].map((text) => Partitions.parse(text));
    for (let user = 0; user < 1_000; user += 1) {
      for (const topic of [`${user}`, `photo.${user}`].map(parseTopic)) {
        assert.equal(shares.filter((share) => share.owns(topic)).length, 1, topic);
        assert.equal(Partitions.whole.owns(topic), true);
      }
    }
  });
});
