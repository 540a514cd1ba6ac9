import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Hono } from "hono";
import { embedded } from "../test/support/brokers.ts";
import { TestNetwork } from "../test/support/network.ts";
import { waitFor } from "../test/support/wait-for.ts";
import type { AppConfig } from "./assemble.ts";
import { signToken } from "./auth.ts";
import { DEFAULT_LIMITS } from "./pool/pool.ts";
import { WebEdge } from "./web-edge.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const CONFIG: AppConfig = {
  fanout: "subject",
  jwtKey: undefined,
  allowPublish: undefined,
  corsOrigins: [],
  maxStreams: 100,
  maxStreamsPerUser: 3,
};

/** Reads a streamed body as it comes. */
class Body {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  text = "";
  done = false;

  constructor(response: Response) {
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
    void this.#pump();
  }

  until(pattern: RegExp): Promise<void> {
    return waitFor(`${pattern} in ${JSON.stringify(this.text)}`, () => pattern.test(this.text));
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  async #pump(): Promise<void> {
    for (let part = await this.#reader.read(); part.value !== undefined; part = await this.#reader.read()) {
      this.text += new TextDecoder().decode(part.value);
    }
    this.done = true;
  }
}

describe("app - through app.request(), over web streams", () => {
  let network: TestNetwork;
  const edges: WebEdge[] = [];
  const errors: Error[] = [];

  const makeEdge = async (
    config: Partial<AppConfig> = {},
    anonymous: boolean = config.jwtKey === undefined,
  ): Promise<WebEdge> => {
    const edge = new WebEdge({
      edgeId: `test${edges.length}`,
      client: network.client,
      config: { ...CONFIG, ...config },
      anonymous,
      limits: { ...DEFAULT_LIMITS, heartbeatMs: 500 },
      onError: (error) => errors.push(error),
    });
    await edge.start();
    edges.push(edge);
    return edge;
  };
  let app: Hono;
  let keyed: Hono;
  let token: string;

  before(async () => {
    network = await TestNetwork.start({
      broker: embedded,
      fleet: [],
      follows: [
        ["7", "42"],
        ["9", "42"],
      ],
    });
    app = (await makeEdge()).app;
    keyed = (await makeEdge({ jwtKey: KEY, corsOrigins: ["https://app.example"] })).app;
    token = await signToken(KEY, "7", 60_000);
  });
  after(async () => {
    for (const edge of edges) await edge.stop({ perSecond: 1_000, deadlineMs: 100 });
    await network.stop();
    assert.deepEqual(errors, []);
  });

  const bearer = (value: string): Record<string, string> => ({ Authorization: `Bearer ${value}` });
  const errorOf = async (response: Response): Promise<string> =>
    ((await response.json()) as { error: string }).error;

  describe("streams", () => {
    it("GET /stream - NDJSON by default: an event a line", async () => {
      const response = await app.request("/stream?user=7");
      assert.equal(response.status, 200);
      assert.match(response.headers.get("Content-Type") ?? "", /^application\/x-ndjson/);
      assert.equal(response.headers.get("Cache-Control"), "no-store, no-transform");
      assert.equal(response.headers.get("X-Accel-Buffering"), "no");
      const body = new Body(response);
      await network.send("event.42", "hi");
      await body.until(/\n/);
      const event = JSON.parse(body.text);
      assert.deepEqual([event.topic, event.data, typeof event.cursor], ["42", "hi", "string"]);
      await body.cancel();
    });

    it("GET /stream - server-sent events where they are accepted", async () => {
      const response = await app.request("/stream?user=7", { headers: { Accept: "text/event-stream" } });
      assert.match(response.headers.get("Content-Type") ?? "", /^text\/event-stream/);
      const body = new Body(response);
      await body.until(/^id: \S+\nretry: \d+\n: welcome 7\n\n/);
      network.client.publish("user.7", "direct");
      await body.until(/id: \S+\ndata: \{"id":"[^"]+","time":"[^"]+","data":"direct"\}\n\n/);
      await body.cancel();
    });

    it("GET /stream - who comes back with a cursor is told that something may be missing", async () => {
      const body = new Body(
        await app.request("/stream?user=7", {
          headers: { Accept: "text/event-stream", "Last-Event-ID": "0.1.1" },
        }),
      );
      await body.until(/event: resync\ndata: \{"reason":"reconnected"\}/);
      await body.cancel();
    });

    it("GET /test/:id - the article's stream, and its chunk every so often", async () => {
      const response = await app.request("/test/7,9?tick=1");
      assert.equal(response.headers.get("Content-Type"), "text/plain; charset=utf-8");
      assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff");
      const body = new Body(response);
      await body.until(/^Encke welcomes you! Your Id: 7,9\n/);
      await body.until(/Chunk 1 for id 7,9\n/);
      await body.cancel();
    });

    it("a reader who leaves - its subscription goes with it", async () => {
      const edge = await makeEdge();
      const body = new Body(await edge.app.request("/stream?user=leaver"));
      assert.equal(edge.pool.size, 1);
      await body.cancel();
      assert.equal(edge.pool.size, 0);
      await network.client.flush();
      await assert.rejects(network.client.request("user.leaver", "", 500), { code: "NO_RESPONDERS" });
    });

    it("a slow reader - is cut at the bound, its stream fails", async () => {
      const edge = await makeEdge();
      const response = await edge.app.request("/stream?user=slow");
      for (let i = 0; i < 10; i += 1) network.client.publish("user.slow", "x".repeat(60_000));
      await waitFor("the cut", () => edge.pool.counts.closed.slow === 1);
      await assert.rejects(response.text(), /too slow/);
    });

    it("drain - the last words, then the end", async () => {
      const edge = await makeEdge();
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

  describe("what is refused", () => {
    it("HEAD - headers, and no stream", async () => {
      const edge = await makeEdge();
      for (const path of ["/stream?user=7", "/test/7"]) {
        const response = await edge.app.request(path, { method: "HEAD" });
        assert.equal(response.status, 200);
        assert.equal(await response.text(), "");
      }
      assert.equal(edge.pool.counts.opened, 0);
    });

    for (const path of ["/stream?user=7", "/test/7", "/session", "/graph/7", "/events/7"]) {
      it(`a wrong method on ${path} - 405 with Allow`, async () => {
        const response = await app.request(path, { method: "PUT" });
        assert.equal(response.status, 405);
        assert.match(response.headers.get("Allow") ?? "", /GET, HEAD|POST/);
      });
    }

    it("an unknown path - 404 that says what there is", async () => {
      for (const path of ["/nothing", "/test", "/test/7/8", "/stream/7", `/${"x".repeat(10_000)}`]) {
        const response = await app.request(path);
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
        const response = await app.request(`/test/${encodeURIComponent(id)}`);
        assert.equal(response.status, id === "" || id === ".." ? 404 : 400);
      });
    }

    for (const query of ["", "?user=", "?user=a.b", "?user=%00", `?user=${"x".repeat(10_000)}`]) {
      it(`/stream${query.slice(0, 20)} - 400`, async () =>
        assert.equal((await app.request(`/stream${query}`)).status, 400));
    }

    for (const tick of ["0", "-1", "x", "1.5", "99999", ""]) {
      it(`tick=${tick} - 400`, async () =>
        assert.equal((await app.request(`/test/7?tick=${tick}`)).status, 400));
    }

    it("more streams of one user than may be - 429, come back later", async () => {
      const edge = await makeEdge();
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
      const edge = await makeEdge({ maxStreams: 2 });
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

  describe("who reads", () => {
    it("no token where one is needed - 401", async () => {
      for (const path of ["/stream", "/stream?user=7", "/test/7", "/session", "/graph/7"]) {
        const response = await keyed.request(path);
        assert.equal(response.status, 401, path);
        assert.match(response.headers.get("WWW-Authenticate") ?? "", /^Bearer/);
      }
    });

    it("one's own token - opens one's own stream, with or without ?user", async () => {
      for (const path of ["/stream", "/stream?user=7", "/test/7"]) {
        const response = await keyed.request(path, { headers: bearer(token) });
        assert.equal(response.status, 200, path);
        await response.body?.cancel();
      }
    });

    it("another's stream - 403", async () => {
      for (const path of ["/stream?user=9", "/test/9", "/test/7,9", "/graph/9"]) {
        const response = await keyed.request(path, { headers: bearer(token) });
        assert.deepEqual([response.status, await errorOf(response)], [403, "NOT_YOURS"], path);
      }
    });

    it("bad tokens - 401, whatever is wrong with them", async () => {
      const none = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${btoa('{"sub":"7"}').replaceAll("=", "")}.`;
      const foreign = await signToken("another key of at least 32 bytes!", "7", 60_000);
      const expired = await signToken(KEY, "7", -60_000);
      for (const bad of ["x", "a.b.c", none, foreign, expired, `${token}x`, "x".repeat(10_000)]) {
        const response = await keyed.request("/stream", { headers: bearer(bad) });
        assert.deepEqual([response.status, await errorOf(response)], [401, "TOKEN_INVALID"]);
      }
    });

    it("a token on an edge without a key - 401, not anonymous", async () => {
      assert.equal((await app.request("/stream?user=7", { headers: bearer(token) })).status, 401);
    });

    it("POST /session - the token becomes a cookie, which opens the stream", async () => {
      const signedIn = await keyed.request("/session", { method: "POST", headers: bearer(token) });
      assert.equal(signedIn.status, 200);
      const cookie = signedIn.headers.get("Set-Cookie") ?? "";
      assert.match(cookie, /^encke_session=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
      const headers = { Cookie: cookie.split(";")[0] ?? "" };
      const stream = await keyed.request("/stream", { headers });
      assert.equal(stream.status, 200);
      await stream.body?.cancel();
      assert.deepEqual(await (await keyed.request("/session", { headers })).json(), {
        user: "7",
        anonymous: false,
        publish: false,
      });
      const out = await keyed.request("/session", { method: "DELETE", headers });
      assert.match(out.headers.get("Set-Cookie") ?? "", /^encke_session=; Max-Age=0/);
    });

    it("POST /session - behind TLS the cookie is Secure, and crosses to the sites that were named", async () => {
      const headers = { ...bearer(token), "X-Forwarded-Proto": "https" };
      const cookie =
        (await keyed.request("/session", { method: "POST", headers })).headers.get("Set-Cookie") ?? "";
      assert.match(cookie, /Secure; SameSite=None/);
    });

    it("POST /session without a token - 401", async () => {
      assert.equal((await keyed.request("/session", { method: "POST" })).status, 401);
    });

    it("a stale cookie on an edge without a key - is nobody's business", async () => {
      const response = await app.request("/stream?user=9", { headers: { Cookie: "encke_session=stale" } });
      assert.equal(response.status, 200);
      await response.body?.cancel();
    });

    it("a stream - ends when its token does", async () => {
      const body = new Body(
        await keyed.request("/stream", { headers: bearer(await signToken(KEY, "7", 1_000)) }),
      );
      await waitFor("the end", () => body.done);
      assert.match(body.text, /\{"goodbye":\{"reason":"expired"\}\}\n$/);
    });

    it("a key that is too short - is refused with how to make one", async () => {
      await assert.rejects(makeEdge({ jwtKey: "short" }), {
        code: "BAD_CONFIG",
        message: /32.*openssl rand/,
      });
    });
  });

  describe("other sites", () => {
    const allowed = async (on: Hono, origin: string): Promise<string | null> => {
      const response = await on.request("/session", {
        headers: { Origin: origin, ...(on === keyed ? bearer(token) : {}) },
      });
      return response.headers.get("Access-Control-Allow-Origin");
    };

    it("named ones - may read, with credentials", async () => {
      assert.equal(await allowed(keyed, "https://app.example"), "https://app.example");
      const preflight = await keyed.request("/stream", {
        method: "OPTIONS",
        headers: {
          Origin: "https://app.example",
          "Access-Control-Request-Method": "GET",
          "Access-Control-Request-Headers": "authorization",
        },
      });
      assert.equal(preflight.status, 204);
      assert.match(preflight.headers.get("Access-Control-Allow-Headers") ?? "", /Authorization/);
      assert.equal(preflight.headers.get("Access-Control-Allow-Credentials"), "true");
    });

    it("others - may not; while anonymous, pages of this very machine may", async () => {
      for (const origin of [
        "https://evil.example",
        "null",
        "https://app.example.evil",
        "http://localhost.evil",
      ]) {
        assert.equal(await allowed(keyed, origin), null, origin);
        assert.equal(await allowed(app, origin), null, origin);
      }
      for (const origin of ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:5173"]) {
        assert.equal(await allowed(app, origin), origin);
        assert.equal(await allowed(keyed, origin), null);
      }
    });
  });

  describe("the graph, for the page", () => {
    it("GET /graph/:user - whom somebody follows, who follows them", async () => {
      assert.deepEqual(await (await app.request("/graph/42")).json(), {
        user: "42",
        subscriptions: [],
        subscribers: ["7", "9"],
        subscriberCount: 2,
      });
      assert.deepEqual(await (await app.request("/graph/7?limit=1")).json(), {
        user: "7",
        subscriptions: ["42"],
        subscribers: [],
        subscriberCount: 0,
      });
      for (const limit of ["0", "x", "501"])
        assert.equal((await app.request(`/graph/7?limit=${limit}`)).status, 400);
    });

    it("POST /events/:topic - publishes and counts", async () => {
      const response = await app.request("/events/42", { method: "POST", body: "from the page" });
      const { recipients } = (await response.json()) as { recipients: number };
      assert.deepEqual([response.status, recipients], [200, 3]);
    });

    it("POST /events/:topic - too large, a bad topic, another site: refused", async () => {
      const post = (path: string, init: RequestInit): Promise<Response> =>
        Promise.resolve(app.request(path, { method: "POST", ...init }));
      assert.equal((await post("/events/42", { body: "x".repeat(65_537) })).status, 413);
      assert.equal((await post("/events/a..b", { body: "x" })).status, 400);
      const foreign = await post("/events/42", { body: "x", headers: { Origin: "https://evil.example" } });
      assert.deepEqual([foreign.status, await errorOf(foreign)], [403, "FOREIGN_ORIGIN"]);
    });

    it("with tokens - nobody publishes over HTTP unless it was allowed, and then only for themself", async () => {
      const post = (on: Hono, topic: string): Promise<Response> =>
        Promise.resolve(
          on.request(`/events/${topic}`, { method: "POST", body: "x", headers: bearer(token) }),
        );
      assert.equal((await post(keyed, "7")).status, 404);
      const publishing = (await makeEdge({ jwtKey: KEY, allowPublish: true })).app;
      assert.equal((await post(publishing, "7")).status, 200);
      assert.equal((await post(publishing, "42")).status, 403);
      assert.equal((await post(publishing, "photo.7")).status, 403);
    });

    it("the graph is away - 503, come back later", async () => {
      await network.graphs[0]?.service.stop();
      const response = await app.request("/graph/7");
      assert.deepEqual([response.status, response.headers.has("Retry-After")], [503, true]);
    });
  });
});
