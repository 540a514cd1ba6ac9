import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { replyOf } from "./message.ts";

describe("reply subject", () => {
  it("inbox - is where the reply goes", () => {
    for (const reply of ["_INBOX.abc.1", "my.replies.1", "edges"]) assert.equal(replyOf({ reply }), reply);
    assert.equal(replyOf({ reply: "" }), undefined);
  });

  // An error reply is empty: on this first subject, it deleted the stream.
  const reserved =
    "$JS.API.STREAM.DELETE.ENCKE_EVENTS $SYS.REQ.SERVER.PING event.1 user.1 copy.1 graph.subscribe.1 part.0.changes presence.1 edge.all";
  for (const reply of reserved.split(" "))
    it(`${reply} - is not replied to`, () => assert.equal(replyOf({ reply }), undefined));
});
