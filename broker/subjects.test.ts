import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isTopic, isUserId, ownerOf, parseTopic, parseUserId } from "./names.ts";
import {
  eventSubject,
  GRAPH_VERBS,
  graphSubject,
  nameOfGraph,
  parsePublishSubject,
  topicOfEvent,
  userOfSubject,
  userSubject,
} from "./subjects.ts";

const token = "a".repeat(64);

describe("subjects - the grammar", () => {
  const users = ["7", "alice", "A-b_9", "007", "-", "_", token];
  const topics = [...users, "photo.789", "a.b.c.d", [token, token, token, token].join(".")];
  const hostile = [
    "",
    ".",
    "a.",
    ".a",
    "a..b",
    "a.b.c.d.e",
    "*",
    ">",
    "a.*",
    "a.>",
    "a b",
    "a\tb",
    "a\r\nPUB x 1\r\ny",
    "a\n",
    "\na",
    "ä",
    "а", // Cyrillic
    "a\u0000",
    "a\u200b",
    "../a",
    "a/b",
    "%2e",
    `${token}a`,
    "x".repeat(10_000),
    "$SYS",
    "_INBOX.a$",
    "😀",
  ];

  for (const topic of topics) {
    it(`topic ${topic.slice(0, 20)} - is accepted, and parses back from its subject`, () => {
      assert.equal(topicOfEvent(eventSubject(parseTopic(topic))), topic);
      for (const verb of GRAPH_VERBS)
        assert.equal(nameOfGraph(verb, graphSubject(verb, parseTopic(topic))), topic);
    });
  }

  for (const user of users) {
    it(`user ${user.slice(0, 20)} - is accepted, and parses back from its subject`, () => {
      assert.equal(userOfSubject(userSubject(parseUserId(user))), user);
      assert.equal(ownerOf(parseTopic(user)), user);
    });
  }

  for (const text of hostile) {
    it(`${JSON.stringify(text.slice(0, 24))} - is refused as topic and user, with the value and the grammar`, () => {
      assert.equal(isTopic(text), false);
      assert.equal(isUserId(text), false);
      assert.throws(() => parseTopic(text), { code: "BAD_TOPIC", message: /use 1 to 4 tokens/ });
      assert.throws(() => parseUserId(text), { code: "BAD_USER", message: /use one token/ });
      assert.throws(() => topicOfEvent(`event.${text}`), { code: "BAD_TOPIC" });
      assert.throws(() => userOfSubject(`user.${text}`), { code: "BAD_USER" });
    });
  }

  it("a long hostile value - is truncated in the message, with its length", () => {
    assert.throws(
      () => parseUserId("x".repeat(10_000)),
      ({ message }: Error) => message.includes("10000 characters") && message.length < 300,
    );
  });

  it("a topic of several tokens - belongs to no user", () => {
    assert.equal(isUserId("photo.789"), false);
    assert.equal(ownerOf(parseTopic("photo.789")), undefined);
  });
});

describe("subjects - publishing by people", () => {
  for (const subject of ["event.42", "event.photo.789", "user.7", "graph.count.42", "my.own-service"]) {
    it(`${subject} - is accepted`, () => assert.equal(parsePublishSubject(subject), subject));
  }
  const refused = [
    ["event.", "BAD_TOPIC"],
    ["event.*", "BAD_TOPIC"],
    ["user.a.b", "BAD_USER"],
    ["", "BAD_SUBJECT"],
    ["a b", "BAD_SUBJECT"],
    ["a..b", "BAD_SUBJECT"],
    ["a.>", "BAD_SUBJECT"],
    ["a\r\nb", "BAD_SUBJECT"],
    ["a\u0007", "BAD_SUBJECT"],
  ] as const;
  for (const [subject, code] of refused) {
    it(`${JSON.stringify(subject)} - is refused with ${code}`, () =>
      assert.throws(() => parsePublishSubject(subject), { code }));
  }
});
