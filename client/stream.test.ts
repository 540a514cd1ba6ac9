// What a stream does with what it has had already, and when it ends. Only `fetch` is replaced.

import assert from "node:assert/strict";
import { afterEach, describe, it, mock } from "node:test";
import { EnckeStream } from "./stream.ts";

const WELCOME = "event: welcome\ndata: {}\n\n";
const event = (n: number): string => `id: c${n}\ndata: {"id":"${n}","time":"","data":${n}}\n\n`;

/** Responds with each body in turn, and then with 404. */
function respondWith(...bodies: readonly string[]): void {
  const rest = [...bodies];
  mock.method(globalThis, "fetch", async () => {
    const body = rest.shift();
    if (body === undefined) return new Response(null, { status: 404 });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
}

const streamOf = (): EnckeStream =>
  new EnckeStream("http://edge/stream", { speed: 100_000, random: () => 0 });

afterEach(() => mock.restoreAll());

describe("EnckeStream", () => {
  it("an event that comes again - is passed on once, and does not move the cursor back", async () => {
    respondWith(WELCOME + event(1) + event(2), WELCOME + event(1) + event(2) + event(3));
    const stream = streamOf();
    const cursors: string[] = [];
    stream.addEventListener("cursor", ({ detail }) => cursors.push(detail));
    const received: unknown[] = [];
    await assert.rejects(
      async () => {
        for await (const { data, cursor } of stream) received.push([data, cursor]);
      },
      { code: "NOT_FOUND" },
    );
    assert.deepEqual(
      received,
      [1, 2, 3].map((n) => [n, `c${n}`]),
    );
    assert.deepEqual(cursors, ["c1", "c2", "c3"]);
  });

  it("two iterations and a listener - receive every event each", async () => {
    respondWith(WELCOME + event(1) + event(2));
    const stream = streamOf();
    const received: unknown[][] = [[], [], []];
    stream.addEventListener("event", ({ detail }) => received[2]?.push(detail.data));
    const iterate = async (nth: number): Promise<void> => {
      for await (const { data } of stream) received[nth]?.push(data);
    };
    await Promise.allSettled([iterate(0), iterate(1)]);
    assert.deepEqual(received, [
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });

  it("close and the application's signal - end the stream without an error", async () => {
    for (const how of ["close", "abort"] as const) {
      respondWith(WELCOME + event(1), WELCOME, WELCOME);
      const controller = new AbortController();
      const options = { signal: controller.signal, speed: 100_000, random: () => 0 };
      const stream = new EnckeStream("http://edge/stream", options);
      const closes: unknown[] = [];
      stream.addEventListener("close", ({ detail }) => closes.push(detail));
      for await (const _ of stream) {
        if (how === "close") stream.close();
        else controller.abort();
      }
      assert.deepEqual([closes, stream.state], [[null], "closed"], how);
    }
  });

  it("a shared stream without a user - is a mistake", () => {
    assert.throws(() => new EnckeStream("http://edge/stream", { share: true }), /needs `user`/);
  });
});
