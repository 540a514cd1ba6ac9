import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cursorOfEvent } from "../broker/contract.ts";
import { parseSse } from "../test/support/sse.ts";
import { KEY } from "../test/support/tokens.ts";
import { Body, errorOf, WebEdges } from "../test/support/web-edges.ts";
import type { WebEdge } from "./web-edge.ts";

/** A cursor that a reader may present. */
const CURSOR = cursorOfEvent(1, "", "0-1-1");

async function opened(edge: WebEdge, ...paths: readonly string[]): Promise<Body[]> {
  const bodies: Body[] = [];
  for (const path of paths) bodies.push(new Body(await edge.app.request(path)));
  return bodies;
}

describe("app - refusals", () => {
  let edges: WebEdges;
  before(async () => {
    edges = await WebEdges.start();
  });
  after(() => edges.stop());

  /** What makes an edge refuse user 7 temporarily: the status, and the reason of a goodbye. */
  const refusals: readonly (readonly [string, number, string, (edge: WebEdge) => Promise<unknown>])[] = [
    [
      "full",
      503,
      "full",
      (edge) => opened(edge, "/test/1", "/stream?user=2", "/stream?user=3", "/stream?user=4"),
    ],
    [
      "one user's limit",
      429,
      "too-many-streams",
      (edge) => opened(edge, "/stream?user=7", "/stream?user=7", "/test/7"),
    ],
    ["draining", 503, "drain", (edge) => edge.stop({ perSecond: 1, deadlineMs: 0 })],
  ];
  for (const [what, status, reason, make] of refusals) {
    it(`${what}, EventSource - responds 200 with a retry time and goodbye to GET and HEAD, and counts it`, async () => {
      const edge = await edges.make({ maxStreams: 4 });
      const held = await make(edge);
      const ask = (cursor: string, method = "GET"): Response | Promise<Response> =>
        edge.app.request(`/stream?user=7&lastEventId=${cursor}`, {
          method,
          headers: { Accept: "text/event-stream", Origin: "http://localhost:3000" },
        });
      const response = await ask(CURSOR);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("Content-Type") ?? "", /^text\/event-stream/);
      assert.equal(response.headers.get("Cache-Control"), "no-store, no-transform");
      assert.equal(response.headers.get("Access-Control-Allow-Origin"), "http://localhost:3000");
      const [goodbye, ...others] = parseSse(await response.text());
      const minMs = what === "draining" ? 1_000 : 5_000;
      assert.deepEqual(
        [goodbye?.type, goodbye?.data, goodbye?.id],
        ["goodbye", JSON.stringify({ reason }), CURSOR],
      );
      assert.ok(minMs <= (goodbye?.retryMs ?? 0) && (goodbye?.retryMs ?? 0) <= 2 * minMs);
      assert.deepEqual(others, []);
      const [unknown] = parseSse(await (await ask(`${CURSOR}%0Adata:%20evil`)).text());
      assert.deepEqual([unknown?.data, unknown?.id], [JSON.stringify({ reason }), ""]);
      const head = await ask(CURSOR, "HEAD");
      assert.deepEqual([head.status, await head.text()], [200, ""]);
      assert.equal(edge.refused, 3);
      for (const body of (held ?? []) as Body[]) await body.cancel();
    });

    it(`${what}, any other client - responds ${status} with Retry-After to GET and HEAD, and counts it`, async () => {
      const edge = await edges.make({ maxStreams: 4 });
      const held = await make(edge);
      for (const path of ["/stream?user=7", "/test/7"]) {
        for (const method of ["GET", "HEAD"]) {
          const headers = path.startsWith("/test") ? { Accept: "text/event-stream" } : {};
          const response = await edge.app.request(path, { method, headers });
          assert.equal(response.status, status, `${method} ${path}`);
          assert.match(response.headers.get("Retry-After") ?? "", /^[1-9]\d*$/);
        }
      }
      assert.equal(edge.refused, 4);
      for (const body of (held ?? []) as Body[]) await body.cancel();
    });
  }

  it("retry times - are spread out over the refused clients", async () => {
    const edge = await edges.make();
    await edge.stop({ perSecond: 1, deadlineMs: 0 });
    const retries = new Set<number | undefined>();
    for (let asked = 0; asked < 50; asked += 1) {
      const headers = { Accept: "text/event-stream" };
      const response = await edge.app.request("/stream?user=7", { headers });
      retries.add(parseSse(await response.text())[0]?.retryMs);
    }
    assert.ok(retries.size > 25, `${retries.size} times to come back`);
  });

  it("HEAD - has the status of GET for unauthorized and malformed requests", async () => {
    const edge = await edges.make({ jwtKey: KEY });
    const token = { Authorization: `Bearer ${edges.token}` };
    const asked: readonly (readonly [string, Record<string, string>, number])[] = [
      ["/stream", {}, 401],
      ["/stream?user=8", token, 403],
      ["/stream?user=a.b", token, 400],
      ["/test/7?tick=0", token, 400],
      ["/stream", token, 200],
    ];
    for (const [path, headers, status] of asked) {
      for (const Accept of ["text/event-stream", "*/*"]) {
        const [head, get] = await Promise.all(
          ["HEAD", "GET"].map((method) =>
            edge.app.request(path, { method, headers: { ...headers, Accept } }),
          ),
        );
        assert.deepEqual([head?.status, get?.status], [status, status], `${path} as ${Accept}`);
        await get?.body?.cancel();
      }
    }
  });

  it("HEAD - returns headers and opens no stream", async () => {
    const edge = await edges.make();
    for (const path of ["/stream?user=7", "/test/7"]) {
      const response = await edge.app.request(path, { method: "HEAD" });
      assert.equal(response.status, 200);
      assert.equal(await response.text(), "");
    }
    assert.equal(edge.pool.counts.opened, 0);
  });

  for (const path of ["/stream?user=7", "/test/7", "/session", "/graph/7", "/events/7"]) {
    it(`wrong method on ${path} - responds 405 with Allow`, async () => {
      const response = await edges.app.request(path, { method: "PUT" });
      assert.equal(response.status, 405);
      assert.match(response.headers.get("Allow") ?? "", /GET, HEAD|POST/);
    });
  }

  for (const [path, allow] of [
    ["/", undefined],
    ["/stream", "GET, HEAD, OPTIONS"],
    ["/test/7", "GET, HEAD, OPTIONS"],
    ["/session", "GET, HEAD, POST, DELETE, OPTIONS"],
    ["/graph/7", "GET, HEAD, OPTIONS"],
    ["/events/7", "POST, OPTIONS"],
  ] as const) {
    it(`OPTIONS on ${path} - has Allow`, async () => {
      const response = await edges.app.request(path, { method: "OPTIONS" });
      const expected = allow === undefined ? [404, null] : [204, allow];
      assert.deepEqual([response.status, response.headers.get("Allow")], expected);
    });
  }

  for (const path of [
    "/stream?user=7&user=9",
    "/stream?user=7&user=7",
    "/stream?user=&user=7",
    "/stream?user=7&%75ser=9",
    "/test/7?tick=10&tick=20",
    "/graph/7?limit=1&limit=2",
  ]) {
    it(`${path}, a parameter twice - responds 400 that names it`, async () => {
      const response = await edges.app.request(path);
      assert.equal(response.status, 400);
      assert.match(await response.text(), /"BAD_QUERY","message":"(user|tick|limit)= is given 2 times/);
    });
  }

  it("unknown path - responds 404 with the paths that exist", async () => {
    for (const path of ["/nothing", "/test", "/test/7/8", "/stream/7", `/${"x".repeat(10_000)}`]) {
      const response = await edges.app.request(path);
      assert.equal(response.status, 404, path);
      assert.ok((await response.text()).length < 400);
    }
  });

  const bad = [
    "a.b",
    "*",
    "a b",
    "ä",
    "",
    "a,,b",
    "..",
    "x".repeat(65),
    "x".repeat(10_000),
    "7,",
    Array.from({ length: 17 }, (_, id) => id).join(),
  ];
  for (const id of bad) {
    it(`/test/${id.slice(0, 20)} - responds 400 with the remedy`, async () => {
      const response = await edges.app.request(`/test/${encodeURIComponent(id)}`);
      assert.equal(response.status, id === "" || id === ".." ? 404 : 400);
    });
  }

  for (const query of ["", "?user=", "?user=a.b", "?user=%00", `?user=${"x".repeat(10_000)}`]) {
    it(`/stream${query.slice(0, 20)} - responds 400`, async () =>
      assert.equal((await edges.app.request(`/stream${query}`)).status, 400));
  }

  for (const tick of ["0", "-1", "x", "1.5", "99999", ""]) {
    it(`tick=${tick} - responds 400`, async () =>
      assert.equal((await edges.app.request(`/test/7?tick=${tick}`)).status, 400));
  }

  it("one stream too many of a user - responds 429 with Retry-After", async () => {
    const edge = await edges.make();
    const bodies = [];
    for (let open = 0; open < 3; open += 1) bodies.push(new Body(await edge.app.request("/stream?user=7")));
    const refused = await edge.app.request("/stream?user=7");
    assert.deepEqual(
      [refused.status, refused.headers.has("Retry-After"), await errorOf(refused)],
      [429, true, "TOO_MANY_STREAMS"],
    );
    for (const body of bodies) await body.cancel();
    await new Body(await edge.app.request("/stream?user=7")).cancel();
  });

  it("one stream too many on an edge - responds 503 with Retry-After", async () => {
    const edge = await edges.make({ maxStreams: 2 });
    const bodies = [
      new Body(await edge.app.request("/stream?user=1")),
      new Body(await edge.app.request("/stream?user=2")),
    ];
    const refused = await edge.app.request("/stream?user=3");
    assert.deepEqual(
      [refused.status, refused.headers.has("Retry-After"), await errorOf(refused)],
      [503, true, "EDGE_FULL"],
    );
    for (const body of bodies) await body.cancel();
  });
});
