import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cursorOfEvent } from "../../broker/contract.ts";
import { parseSse } from "../../test/support/sse.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Body, errorOf, WebEdges } from "../../test/support/web-edges.ts";

describe("app - streams", () => {
  let edges: WebEdges;
  before(async () => {
    edges = await WebEdges.start();
  });
  after(() => edges.stop());

  it("GET /stream - returns NDJSON by default, one event per line", async () => {
    const response = await edges.app.request("/stream?user=7");
    assert.equal(response.status, 200);
    assert.match(response.headers.get("Content-Type") ?? "", /^application\/x-ndjson/);
    assert.equal(response.headers.get("Cache-Control"), "no-store, no-transform");
    assert.equal(response.headers.get("X-Accel-Buffering"), "no");
    const body = new Body(response);
    await edges.network.send("event.42", "hi");
    await body.until(/"hi"/);
    const [opening, event] = body.text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    assert.deepEqual(Object.keys(opening), ["cursor"]);
    assert.deepEqual([event.topic, event.data, typeof event.cursor], ["42", "hi", "string"]);
    await body.cancel();
  });

  it("GET /stream - returns server-sent events if they are accepted", async () => {
    const response = await edges.app.request("/stream?user=7", { headers: { Accept: "text/event-stream" } });
    assert.match(response.headers.get("Content-Type") ?? "", /^text\/event-stream/);
    const body = new Body(response);
    await body.until(/^id: \S+\nretry: \d+\n: welcome 7\nevent: welcome\ndata: \{\}\n\n/);
    edges.network.client.publish("user.7", "direct");
    await body.until(/id: \S+\ndata: \{"id":"[^"]+","time":"[^"]+","data":"direct"\}\n\n/);
    await body.cancel();
  });

  it("GET /stream - does not return a type that is refused or only similar to an accepted one", async () => {
    for (const [accept, type] of [
      ["text/event-stream;q=0", "application/x-ndjson"],
      ["text/event-streamish", "application/x-ndjson"],
      ["*/*", "application/x-ndjson"],
      ["text/*;q=0.5, application/x-ndjson", "application/x-ndjson"],
      ["text/*;q=0.5", "text/event-stream"],
    ] as const) {
      const response = await edges.app.request("/stream?user=7", { headers: { Accept: accept } });
      assert.equal(response.headers.get("Content-Type"), `${type}; charset=utf-8`, accept);
      await response.body?.cancel();
    }
  });

  it("GET /stream - selects the type from all Accept lines", async () => {
    const headers = new Headers({ Accept: "application/json" });
    headers.append("Accept", "text/event-stream");
    const response = await edges.app.request("/stream?user=7", { headers });
    assert.equal(response.headers.get("Content-Type"), "text/event-stream; charset=utf-8");
    await response.body?.cancel();
  });

  /** Query, header, and the id of the welcome: the cursor that the reader presented, if it was valid. */
  const cursor = (sequence: number): string => cursorOfEvent(sequence, "", `0-1-${sequence}`);
  const presented: readonly (readonly [string, string | undefined, string])[] = [
    ["", cursor(1), cursor(1)],
    [`&lastEventId=${cursor(2)}`, undefined, cursor(2)],
    [`&last_event_id=${cursor(3)}`, undefined, cursor(3)],
    [`&lastEventId=${cursor(4)}&last_event_id=${cursor(4)}&last_event_id=`, undefined, cursor(4)],
    [`&lastEventId=${cursor(5)}`, cursor(6), cursor(6)],
    [`&lastEventId=${cursor(7)}`, "", cursor(7)],
    [`&lastEventId=${cursor(8)}&lastEventId=${cursor(9)}`, undefined, ""],
    [`&lastEventId=${cursor(8)}&last_event_id=${cursor(9)}`, undefined, ""],
    [`&lastEventId=${cursor(8)}`, "garbage", ""],
    [`&lastEventId=${cursor(8)}%0A%0Adata:%20evil%0A`, undefined, ""],
    ["&lastEventId=0.1.1~1.1.1", undefined, ""],
    [`&lastEventId=${"1".repeat(5_000)}`, undefined, ""],
  ];
  for (const [query, header, id] of presented) {
    it(`reader with ${query.slice(0, 60)} and Last-Event-ID ${header} - receives a resync`, async () => {
      const headers = {
        Accept: "text/event-stream",
        ...(header !== undefined && { "Last-Event-ID": header }),
      };
      const body = new Body(await edges.app.request(`/stream?user=7${query}`, { headers }));
      await body.until(/event: resync\n.*\n\n/);
      const messages = parseSse(body.text);
      assert.deepEqual(
        messages.map(({ type, data, id }) => [type, data, id]),
        [
          ["welcome", "{}", id],
          ["resync", '{"reason":"unknown-cursor"}', messages.at(-1)?.id],
        ],
      );
      assert.notEqual(messages.at(-1)?.id, "");
      await body.cancel();
    });
  }

  for (const query of ["", "&lastEventId=", "&last_event_id=&lastEventId="]) {
    it(`reader with ${query || "no cursor"} - is new, and receives no resync`, async () => {
      const body = new Body(
        await edges.app.request(`/stream?user=7${query}`, { headers: { Accept: "text/event-stream" } }),
      );
      edges.network.client.publish("user.7", "first");
      await body.until(/"first"/);
      assert.deepEqual(
        parseSse(body.text).map(({ type }) => type),
        ["welcome", "message"],
      );
      await body.cancel();
    });
  }

  it("every block of a stream - has data and an id, including heartbeats and goodbye", async () => {
    const edge = await edges.make();
    const accept = { Accept: "text/event-stream" };
    const body = new Body(await edge.app.request("/stream?user=7", { headers: accept }));
    await edges.network.send("event.42", "line\u2028one\u2029two\u0085three");
    await body.until(/\n:\n:\n/);
    const sent = parseSse(body.text).at(-1)?.id;
    await edges.network.send("event.9", "for others, on this edge too");
    await edge.stop({ perSecond: 1_000, deadlineMs: 1_000 });
    await waitFor("the end", () => body.done);
    const messages = parseSse(body.text, "careless");
    assert.deepEqual(messages, parseSse(body.text));
    assert.deepEqual(
      messages.map(({ type }) => type),
      ["welcome", "message", "goodbye"],
    );
    for (const { data, id } of messages) assert.ok(id !== "" && JSON.parse(data));
    assert.equal(messages.at(-1)?.id, sent);
  });

  it("GET /test/:id - returns the article's stream, with its chunk at the requested interval", async () => {
    const response = await edges.app.request("/test/7,9?tick=1");
    assert.equal(response.headers.get("Content-Type"), "text/plain; charset=utf-8");
    assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff");
    const body = new Body(response);
    await body.until(/^Encke welcomes you! Your Id: 7,9\n/);
    await body.until(/Chunk 1 for id 7,9\n/);
    await body.cancel();
  });

  it("reader who leaves - ends the user's subscription", async () => {
    const edge = await edges.make();
    const body = new Body(await edge.app.request("/stream?user=leaver"));
    assert.equal(edge.pool.size, 1);
    await body.cancel();
    assert.equal(edge.pool.size, 0);
    await edges.network.client.flush();
    await assert.rejects(edges.network.client.request("copy.leaver", "", 500), { code: "NO_RESPONDERS" });
  });

  it("response - comes once events can reach the stream, with the welcome", async () => {
    const edge = await edges.make({ fanout: "frames" });
    for (let round = 0; round < 10; round += 1) {
      const response = await edge.app.request(`/stream?user=head${round}`);
      edges.network.client.publish(`user.head${round}`, "published after the head");
      const body = new Body(response);
      await body.until(/"cursor":.*\n.*published after the head/);
      await body.cancel();
    }
  });

  it("request that is aborted before its response - leaves no stream behind", async () => {
    const edge = await edges.make({ fanout: "frames" });
    const aborting = new AbortController();
    const opening = edge.app.request("/stream?user=hasty", { signal: aborting.signal });
    await waitFor("the stream", () => edge.pool.size === 1);
    aborting.abort();
    await opening;
    assert.equal(edge.pool.size, 0);
    await waitFor("the handle to be free", () => edge.pool.table.size === 0);
  });

  it("slow reader - is cut at the bound, and its stream fails", async () => {
    const edge = await edges.make();
    const response = await edge.app.request("/stream?user=slow");
    for (let i = 0; i < 10; i += 1) edges.network.client.publish("user.slow", "x".repeat(60_000));
    await waitFor("the cut", () => edge.pool.counts.closed.slow === 1);
    await assert.rejects(response.text(), /too slow/);
  });

  it("drain - sends a goodbye and ends the stream", async () => {
    const edge = await edges.make();
    const body = new Body(await edge.app.request("/stream?user=7"));
    await edge.stop({ perSecond: 1_000, deadlineMs: 1_000 });
    await waitFor("the end", () => body.done);
    assert.match(body.text, /\{"goodbye":\{"reason":"drain","retryMs":\d+\}\}\n$/);
    const refused = await edge.app.request("/stream?user=7");
    assert.deepEqual(
      [refused.status, refused.headers.get("Retry-After"), await errorOf(refused)],
      [503, "1", "EDGE_DRAINING"],
    );
  });
});
