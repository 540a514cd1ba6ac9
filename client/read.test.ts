// The decoder and the loop of `read`, over bodies that are cut at every byte. Only `fetch` is replaced; its
// responses are real ones.

import assert from "node:assert/strict";
import { afterEach, describe, it, mock } from "node:test";
import type { Message } from "./messages.ts";
import { type Request, read } from "./read.ts";

const TEXT = "Grüße 👋 \u2028";
const event = (n: number, cursor: string): string =>
  JSON.stringify({ id: String(n), time: "", data: TEXT, cursor });
const BODIES = {
  sse: [
    "id: c0\nevent: welcome\ndata: {}\n\n",
    ...["c1", "c2"].map((cursor, n) => `id: ${cursor}\ndata: ${event(n, cursor)}\n\n`),
    'retry: 5\nevent: goodbye\ndata: {"reason":"drain"}\n\n',
  ].join(""),
  ndjson: `{"cursor":"c0"}\n${event(0, "c1")}\n${event(1, "c2")}\n{"goodbye":{"reason":"drain","retryMs":5}}\n`,
};
const TYPES = { sse: "text/event-stream; charset=utf-8", ndjson: "application/x-ndjson" };
/** A hundred seconds of waiting per millisecond. */
const SPEED = 100_000;

type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

/** Reads until the given message has been passed on; returns all messages. */
async function readUntil(
  last: Message["kind"],
  respond: Fetch,
  request: Partial<Request> = {},
): Promise<Message[]> {
  mock.method(globalThis, "fetch", respond as typeof fetch);
  const stop = new AbortController();
  const messages: Message[] = [];
  const sink = (message: Message): void => {
    messages.push(message);
    if (message.kind === last) stop.abort();
  };
  const whole: Request = {
    ...{ url: new URL("http://edge/stream"), format: "sse", token: undefined, credentials: "same-origin" },
    ...{ cursor: () => undefined, room: async () => {}, speed: SPEED, random: () => 0, ...request },
  };
  await read(whole, sink, stop.signal);
  return messages;
}

function bodyOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

afterEach(() => mock.restoreAll());

for (const format of ["sse", "ndjson"] as const)
  describe(`read, ${format}`, () => {
    const bytes = new TextEncoder().encode(BODIES[format]);
    const respond =
      (chunks: readonly Uint8Array[]): Fetch =>
      async () =>
        new Response(bodyOf(chunks), { headers: { "Content-Type": TYPES[format] } });

    it("a body cut at any byte - is decoded as a whole one", async () => {
      const whole = await readUntil("lost", respond([bytes]), { format });
      const events = whole.flatMap((message) => (message.kind === "event" ? [message.detail.data] : []));
      assert.deepEqual(events, [TEXT, TEXT]);
      assert.equal(whole.at(-1)?.kind, "lost");
      for (let at = 1; at < bytes.length; at += 1) {
        const cut = await readUntil("lost", respond([bytes.subarray(0, at), bytes.subarray(at)]), { format });
        assert.deepEqual(cut, whole, `cut after byte ${at}`);
      }
    });

    it("a body that ends at any byte - yields the complete events, and is requested again", async () => {
      for (let at = 0; at < bytes.length; at += 1) {
        const messages = await readUntil("lost", respond([bytes.subarray(0, at)]), { format });
        const ids = messages.flatMap((message) => (message.kind === "event" ? [message.detail.id] : []));
        assert.deepEqual(ids, ["0", "1"].slice(0, ids.length));
        const lost = messages.at(-1);
        assert.ok(lost?.kind === "lost" && lost.detail.code === "ENDED", `ended after byte ${at}`);
      }
    });
  });

describe("read", () => {
  it("the cursor and the token of the moment - are sent with each request", async () => {
    const sent: string[] = [];
    let nth = 0;
    const respond: Fetch = async (url, { headers }) => {
      sent.push(`${url.search} ${new Headers(headers).get("Authorization")}`);
      return new Response(BODIES.sse, {
        status: sent.length < 4 ? 503 : 200,
        headers: { "Content-Type": TYPES.sse },
      });
    };
    const token = async (): Promise<string> => `token${nth}`;
    await readUntil("open", respond, { cursor: () => (nth++ === 0 ? undefined : `c&${nth}`), token });
    assert.deepEqual(sent, [
      " Bearer token0",
      "?last_event_id=c%262 Bearer token1",
      "?last_event_id=c%263 Bearer token2",
      "?last_event_id=c%264 Bearer token3",
    ]);
  });

  it("a token that fails - costs no request, and is asked for again", async () => {
    let asked = 0;
    const token = (): string => {
      asked += 1;
      if (asked === 1) throw new Error("offline");
      return "good";
    };
    let requests = 0;
    const respond: Fetch = async () => {
      requests += 1;
      return new Response(BODIES.sse, { headers: { "Content-Type": TYPES.sse } });
    };
    const [first, second] = await readUntil("open", respond, { token });
    assert.ok(first?.kind === "lost" && first.detail.code === "NO_TOKEN");
    assert.equal(second?.kind, "open");
    assert.deepEqual([asked, requests], [2, 1]);
  });

  it("a token that never comes - does not keep a reader from stopping", async () => {
    const stop = new AbortController();
    const request: Request = {
      ...{ url: new URL("http://edge/stream"), format: "sse", credentials: "same-origin" },
      ...{ cursor: () => undefined, room: async () => {}, speed: 1, random: () => 0 },
      token: () => new Promise<string>(() => {}),
    };
    const ended = read(request, () => assert.fail("nothing is received"), stop.signal);
    stop.abort();
    await ended;
  });

  it("a caller without room for longer than an edge may be silent - keeps its connection", async () => {
    let makeRoom = (): void => {};
    let waits = 0;
    const room = (): Promise<void> => {
      waits += 1;
      if (waits > 1) return Promise.resolve();
      // 100 ms are much longer than the 40 s of silence, at this speed
      return new Promise((resolve) => {
        makeRoom = resolve;
        setTimeout(() => makeRoom(), 100);
      });
    };
    const halves = [BODIES.sse.slice(0, 60), BODIES.sse.slice(60)].map((text) =>
      new TextEncoder().encode(text),
    );
    const respond: Fetch = async () =>
      new Response(bodyOf(halves), { headers: { "Content-Type": TYPES.sse } });
    const messages = await readUntil("lost", respond, { room, speed: 4_000 });
    const lost = messages.at(-1);
    assert.ok(lost?.kind === "lost" && lost.detail.code === "GOODBYE", JSON.stringify(lost));
    assert.equal(waits, 2);
  });
});
