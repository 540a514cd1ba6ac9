// What happens to requests: which stay with Node, which are held, and what precedes and follows them. Part of
// the suite that every pool must pass (suite.ts).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "../../../test/support/wait-for.ts";
import { ann, eventOf, type ServedPool } from "./served-pool.ts";

export function testRequests(served: ServedPool): void {
  describe("requests", () => {
    it("ordinary responses - are Node's, with keep-alive and pipelining", async () => {
      const raw = served.client().get("/hello").get("/hello");
      await raw.until(/hi\n[\s\S]*hi\n/);
      assert.equal(raw.ended, undefined);
    });

    it("head of a stream - has the headers that middleware set after next()", async () => {
      const raw = await served.held();
      assert.match(raw.text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(raw.text, /\r\nx-after: set after next\(\), caf\u00e9\r\n/i);
      assert.match(raw.text, /\r\nTransfer-Encoding: chunked\r\n/);
      assert.match(raw.text, /\r\nDate: .* GMT\r\n/);
    });

    it("stream pipelined behind another response - waits for its turn, and both arrive complete", async () => {
      const raw = served.client().get("/hello").get("/hold/ann");
      await raw.until("welcome");
      assert.ok(raw.text.indexOf("hi\n") < raw.text.indexOf("welcome"));
      assert.equal(served.deliver(ann, eventOf("after")), 1);
      await raw.until("after");
    });

    it("requests pipelined behind a stream - are dropped, and the stream continues", async () => {
      const raw = await served.held();
      raw.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50));
      const both = served.client().get("/hold/bob").get("/hello").get("/hold/carl");
      await both.until("welcome");
      assert.equal(served.deliver(ann, eventOf("still here")), 1);
      await raw.until("still here");
      assert.doesNotMatch(raw.text + both.text, /hi\n/);
      assert.equal(served.pool.size, 2);
    });

    it("body after the request - is read and dropped", async () => {
      const raw = served
        .client()
        .send("GET /hold/ann HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello more");
      await raw.until("welcome");
      assert.equal(served.deliver(ann, eventOf("x")), 1);
      await raw.until("msg #1");
    });

    const bodies: readonly (readonly [string, string, string])[] = [
      ["a body that comes late", "Content-Length: 5", "hello"],
      ["a body that never comes", "Content-Length: 5", ""],
      ["a body that stops in the middle", "Content-Length: 5", "he"],
      ["late chunks", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"],
      ["chunks without an end", "Transfer-Encoding: chunked", "5\r\nhello\r\n"],
      ["a late chunk that is none", "Transfer-Encoding: chunked", "zz\r\n"],
      ["an expectation of 100", "Expect: 100-continue\r\nContent-Length: 5", "hello"],
    ];
    for (const [what, headers, late] of bodies) {
      it(`${what} - makes no difference: the head and the stream are sent at once`, async () => {
        const raw = served.client().send(`GET /hold/ann HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`);
        await raw.until("welcome");
        assert.match(raw.text, /^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 OK\r\n/);
        raw.send(late);
        assert.equal(served.deliver(ann, eventOf("x")), 1);
        await raw.until("msg #1: 'x'");
        assert.equal(raw.ended, undefined);
      });
    }

    it("incomplete body, with a request before it - gets its stream in its turn", async () => {
      const raw = served
        .client()
        .get("/hello")
        .send("GET /hold/ann HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe");
      await raw.until(/hi\n[\s\S]*welcome/);
      assert.equal(served.deliver(ann, eventOf("x")), 1);
      await raw.until("msg #1: 'x'");
    });

    it("HTTP/1.0 - gets the bytes without chunks, until the close", async () => {
      const raw = served.client().get("/hold/ann", "1.0");
      await raw.until("welcome");
      served.deliver(ann, eventOf("plain"));
      await raw.until("Recvd msg #1: 'plain'\n");
      await served.pool.drain({ perSecond: 1_000, deadlineMs: 1_000 });
      await raw.untilEnded();
      assert.doesNotMatch(raw.text, /Transfer-Encoding/);
      assert.match(raw.text, /\r\n\r\nwelcome\nRecvd msg #1: 'plain'\nGoodbye \(drain\)\n$/);
    });

    it("reader who leaves before the stream is held - is abandoned, and the users are released", async () => {
      const raw = served.client().get("/late/ann");
      await waitFor(
        "the request to be taken",
        () => new Promise((resolve) => served.server.getConnections((_, count) => resolve(count === 1))),
      );
      raw.close();
      await waitFor(
        "Node to see the close",
        () => new Promise((resolve) => served.server.getConnections((_, count) => resolve(count === 0))),
      );
      served.openGate();
      await waitFor("the abandonment", () => served.abandoned === 1);
      assert.equal(served.pool.size, 0);
    });
  });
}
