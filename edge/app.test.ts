import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Body, errorOf, WebEdges } from "../test/support/web-edges.ts";

describe("app - what is refused", () => {
  let edges: WebEdges;
  before(async () => {
    edges = await WebEdges.start();
  });
  after(() => edges.stop());

  it("HEAD - headers, and no stream", async () => {
    const edge = await edges.make();
    for (const path of ["/stream?user=7", "/test/7"]) {
      const response = await edge.app.request(path, { method: "HEAD" });
      assert.equal(response.status, 200);
      assert.equal(await response.text(), "");
    }
    assert.equal(edge.pool.counts.opened, 0);
  });

  for (const path of ["/stream?user=7", "/test/7", "/session", "/graph/7", "/events/7"]) {
    it(`a wrong method on ${path} - 405 with Allow`, async () => {
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
    it(`${path}, a parameter twice - 400 that names it`, async () => {
      const response = await edges.app.request(path);
      assert.equal(response.status, 400);
      assert.match(await response.text(), /"BAD_QUERY","message":"(user|tick|limit)= is given 2 times/);
    });
  }

  it("an unknown path - 404 that says what there is", async () => {
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
    it(`/test/${id.slice(0, 20)} - 400 with the remedy`, async () => {
      const response = await edges.app.request(`/test/${encodeURIComponent(id)}`);
      assert.equal(response.status, id === "" || id === ".." ? 404 : 400);
    });
  }

  for (const query of ["", "?user=", "?user=a.b", "?user=%00", `?user=${"x".repeat(10_000)}`]) {
    it(`/stream${query.slice(0, 20)} - 400`, async () =>
      assert.equal((await edges.app.request(`/stream${query}`)).status, 400));
  }

  for (const tick of ["0", "-1", "x", "1.5", "99999", ""]) {
    it(`tick=${tick} - 400`, async () =>
      assert.equal((await edges.app.request(`/test/7?tick=${tick}`)).status, 400));
  }

  it("more streams of one user than may be - 429, come back later", async () => {
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

  it("more streams than this edge holds - 503, come back later", async () => {
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
