import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Hono } from "hono";
import { RawHttp } from "../../test/support/raw-http.ts";
import { bearer, KEY } from "../../test/support/tokens.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { errorOf, WebEdges } from "../../test/support/web-edges.ts";
import { createHttpServer } from "../http/server.ts";

describe("app - the graph, for the live page", () => {
  let edges: WebEdges;
  before(async () => {
    edges = await WebEdges.start();
  });
  after(() => edges.stop());

  it("GET /graph/:user - returns whom a user follows and the user's followers", async () => {
    assert.deepEqual(await (await edges.app.request("/graph/42")).json(), {
      user: "42",
      subscriptions: [],
      subscribers: ["7", "9"],
      subscriberCount: 2,
    });
    assert.deepEqual(await (await edges.app.request("/graph/7?limit=1")).json(), {
      user: "7",
      subscriptions: ["42"],
      subscribers: [],
      subscriberCount: 0,
    });
    for (const limit of ["0", "x", "501"])
      assert.equal((await edges.app.request(`/graph/7?limit=${limit}`)).status, 400);
  });

  it("POST /events/:topic - publishes and counts", async () => {
    const response = await edges.app.request("/events/42", { method: "POST", body: "from the page" });
    const { recipients } = (await response.json()) as { recipients: number };
    assert.deepEqual([response.status, recipients], [200, 3]);
  });

  it("POST with an Idempotency-Key - is published once per topic and key", async () => {
    const post = async (topic: string, key: string): Promise<{ id: string; duplicate?: boolean }> => {
      const init = { method: "POST", body: "pay", headers: { "Idempotency-Key": key } };
      return (await edges.app.request(`/events/${topic}`, init)).json() as Promise<{ id: string }>;
    };
    const first = await post("42", "order-1");
    const again = await post("42", "order-1");
    assert.deepEqual([first.duplicate, again.duplicate, again.id], [undefined, true, first.id]);
    for (const [topic, key] of [
      ["42", "order-2"],
      ["7", "order-1"],
    ] as const)
      assert.equal((await post(topic, key)).duplicate, undefined);
  });

  it("POST /events/:topic - refuses large payloads, bad topics and other sites", async () => {
    const post = (path: string, init: RequestInit): Promise<Response> =>
      Promise.resolve(edges.app.request(path, { method: "POST", ...init }));
    assert.equal((await post("/events/42", { body: "x".repeat(65_537) })).status, 413);
    assert.equal((await post("/events/a..b", { body: "x" })).status, 400);
    const foreign = await post("/events/42", { body: "x", headers: { Origin: "https://evil.example" } });
    assert.deepEqual([foreign.status, await errorOf(foreign)], [403, "FOREIGN_ORIGIN"]);
  });

  for (const coding of [
    "gzip",
    "GZIP",
    "br",
    "deflate",
    "zstd",
    "identity, gzip",
    "compress,identity",
    "unheard-of",
  ]) {
    it(`POST of a body in ${coding} - responds 415 with what is accepted`, async () => {
      for (const path of ["/events/42", "/session"]) {
        const headers = { "Content-Encoding": coding };
        const response = await edges.app.request(path, { method: "POST", body: "x", headers });
        assert.deepEqual(
          [response.status, response.headers.get("Accept-Encoding"), await errorOf(response)],
          [415, "identity", "BODY_ENCODED"],
        );
      }
    });
  }

  it("POST of a body with an explicit identity coding - is published", async () => {
    for (const coding of ["identity", "Identity", "identity, identity", ""]) {
      const headers = { "Content-Encoding": coding };
      const response = await edges.app.request("/events/42", { method: "POST", body: "x", headers });
      assert.equal(response.status, 200, coding);
    }
  });

  for (const [way, leave] of [
    ["resets the connection", (raw: RawHttp) => raw.socket.resetAndDestroy()],
    ["closes it", (raw: RawHttp) => raw.socket.destroy()],
    ["closes its half", (raw: RawHttp) => raw.socket.end()],
  ] as const) {
    it(`upload whose client ${way} - is the client's error and not logged`, async () => {
      let reading = 0;
      const statuses: number[] = [];
      const server = createHttpServer({
        async fetch(request, env) {
          reading += 1;
          const response = await edges.app.fetch(request, env);
          statuses.push(response.status);
          return response;
        },
        methods: "POST",
      });
      await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve));
      for (const body of ["Content-Length: 9\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"]) {
        const raw = new RawHttp((server.address() as AddressInfo).port);
        raw.send(`POST /events/42 HTTP/1.1\r\nHost: x\r\n${body}`);
        const before = statuses.length;
        await waitFor("the request", () => reading > before);
        leave(raw);
        await waitFor("its end", () => statuses.length > before);
        raw.close();
      }
      assert.deepEqual(statuses, [400, 400]); // and `edges.stop` fails if an edge reported an error
      await new Promise((resolve) => server.close(resolve));
    });
  }

  it("with tokens - readers may publish over HTTP only if it was allowed, and only on their own topic", async () => {
    const post = (on: Hono, topic: string): Promise<Response> =>
      Promise.resolve(
        on.request(`/events/${topic}`, { method: "POST", body: "x", headers: bearer(edges.token) }),
      );
    assert.equal((await post(edges.keyed, "7")).status, 404);
    const publishing = (await edges.make({ jwtKey: KEY, allowPublish: true })).app;
    assert.equal((await post(publishing, "7")).status, 200);
    assert.equal((await post(publishing, "42")).status, 403);
    assert.equal((await post(publishing, "photo.7")).status, 403);
  });

  it("absent graph - responds 503 with Retry-After", async () => {
    await edges.network.graphs[0]?.service.stop();
    const response = await edges.app.request("/graph/7");
    assert.deepEqual([response.status, response.headers.has("Retry-After")], [503, true]);
  });
});
