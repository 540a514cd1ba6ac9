import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Hono } from "hono";
import { RawHttp } from "../../test/support/raw-http.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { route } from "./route.ts";
import { createHttpServer, type HttpTimeouts } from "./server.ts";

const QUICK: HttpTimeouts = { headMs: 200, requestMs: 400, checkMs: 20, idleMs: 60_000 };

describe("HTTP server", () => {
  let server: Server;
  const clients: RawHttp[] = [];
  /** Lets the requests for /gate continue. */
  let openGate: () => void;
  /** Requests that reached the server. */
  let requests = 0;

  const start = async (timeouts?: HttpTimeouts): Promise<void> => {
    const app = new Hono();
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    route(app, "/where", { GET: (c) => c.text(`${c.req.url} ${c.req.header("Host")}\n`) });
    route(app, "/gate", {
      async GET(c) {
        await gate;
        return c.text("through\n");
      },
    });
    route(app, "/echo", { POST: async (c) => c.text(`${await c.req.text()}\n`) });
    app.onError((_, c) => c.text("failed\n", 500));
    const options = { fetch: app.fetch, methods: "GET, HEAD, POST, OPTIONS" };
    server = createHttpServer(timeouts === undefined ? options : { ...options, timeouts });
    requests = 0;
    server.on("request", () => {
      requests += 1;
    });
    await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve));
  };
  const client = (): RawHttp => {
    const made = new RawHttp((server.address() as AddressInfo).port);
    clients.push(made);
    return made;
  };
  /** Sends bytes and waits for the end of the connection. */
  const ask = async (bytes: string): Promise<RawHttp> => {
    const raw = client().send(bytes);
    await raw.untilEnded();
    return raw;
  };
  const refused = (raw: RawHttp, status: number, error: string): void => {
    const [head = "", body = ""] = raw.text.split("\r\n\r\n");
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), raw.text);
    assert.match(head, /\r\ncontent-type: application\/json/i);
    const reply = JSON.parse(body);
    assert.equal(reply.error, error);
    assert.equal(typeof reply.message, "string");
    assert.deepEqual(Object.keys(reply), ["error", "message"]);
  };

  beforeEach(() => start());
  afterEach(async () => {
    for (const raw of clients.splice(0)) raw.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  describe("Host", () => {
    it("HTTP/1.0 without Host - is served", async () => {
      const raw = await ask("GET /where HTTP/1.0\r\n\r\n");
      assert.match(raw.text, /^HTTP\/1\.1 200 [\s\S]*http:\/\/host\.invalid\/where undefined\n$/);
    });

    for (const host of [
      "localhost:",
      "[0:0:0:0:0:0:0:1]:8080",
      "LOCALHOST:8080",
      "edge.example.",
      "256.1.1.1",
    ]) {
      it(`${host} - is served, and reaches the app unchanged`, async () => {
        const raw = await ask(`GET /where HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        assert.match(raw.text, /^HTTP\/1\.1 200 /);
        assert.ok(raw.text.endsWith(`/where ${host}\n`), raw.text);
      });
    }

    it("HTTP/1.1 without Host - responds 400 and reads nothing more", async () => {
      refused(await ask("GET /where HTTP/1.1\r\nContent-Length: 5\r\n\r\n"), 400, "BAD_HOST");
    });

    for (const lines of ["Host: a\r\nHost: b", "Host: a\r\nhOST: a", "host: a\r\nX: y\r\nHost:"]) {
      for (const version of ["1.0", "1.1"]) {
        it(`two Host lines (${JSON.stringify(lines)}) in HTTP/${version} - respond 400`, async () =>
          refused(await ask(`GET /where HTTP/${version}\r\n${lines}\r\n\r\n`), 400, "BAD_HOST"));
      }
    }

    for (const host of ["a b", "a/b", "user@host", "localhost:99999", "[::1", ":80"]) {
      it(`${host} - responds 400 that quotes it`, async () => {
        const raw = await ask(`GET /where HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        refused(raw, 400, "BAD_HOST");
        assert.ok(raw.text.includes(host));
      });
    }
  });

  describe("target", () => {
    it("absolute URL - is served, and its host takes precedence over the header", async () => {
      for (const url of ["http://Edge.example:81/where", "HTTP://Edge.example:81/where"]) {
        const raw = await ask(`GET ${url} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n`);
        assert.match(raw.text, /http:\/\/edge\.example:81\/where Edge\.example:81\n$/);
      }
      const raw = await ask("GET http://edge.example/where HTTP/1.0\r\n\r\n");
      assert.match(raw.text, /http:\/\/edge\.example\/where edge\.example\n$/);
    });

    for (const target of [
      "*",
      "ftp://x/where",
      "http://",
      "http:///where",
      "http://:80/",
      "http://u:p@x/",
      "/a\\b",
    ]) {
      it(`GET ${target} - responds 400`, async () => {
        const raw = client().send(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        await raw.untilEnded();
        refused(raw, 400, "BAD_TARGET");
      });
    }

    it("OPTIONS * - responds 204 with Allow", async () => {
      for (const target of ["*", "http://edge.example"]) {
        const raw = await ask(`OPTIONS ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        assert.match(raw.text, /^HTTP\/1\.1 204 [\s\S]*\r\nAllow: GET, HEAD, POST, OPTIONS\r\n/);
      }
    });

    it("OPTIONS of a path, also by HTTP/1.0 without Host - responds 204 with Allow", async () => {
      const raw = await ask("OPTIONS /where HTTP/1.0\r\n\r\n");
      assert.match(raw.text, /^HTTP\/1\.1 204 [\s\S]*\r\nallow: GET, HEAD, OPTIONS\r\n/);
    });

    it("CONNECT - responds 400 before the connection closes", async () => {
      refused(await ask("CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"), 400, "BAD_TARGET");
    });
  });

  describe("refusals before the app", () => {
    const cases: readonly (readonly [string, string, number, string])[] = [
      ["no HTTP", "garbage\r\n\r\n", 400, "BAD_REQUEST"],
      ["TLS", "\x16\x03\x01\x02\x00\x01\x00", 400, "BAD_REQUEST"],
      ["an unknown method", "FOO /where HTTP/1.1\r\nHost: x\r\n\r\n", 400, "BAD_REQUEST"],
      ["a control character", "GET /where HTTP/1.1\r\nHost: x\r\nX: a\x07b\r\n\r\n", 400, "BAD_REQUEST"],
      [
        "a negative length",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        400,
        "BAD_REQUEST",
      ],
      ["a long header", `GET /where HTTP/1.1\r\nX: ${"x".repeat(100_000)}\r\n\r\n`, 431, "HEAD_TOO_LARGE"],
      [
        "another expectation",
        "GET /where HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n",
        417,
        "EXPECTATION_FAILED",
      ],
      ["HTTP/2.0", "GET /where HTTP/2.0\r\nHost: x\r\n\r\n", 505, "VERSION_NOT_SUPPORTED"],
      ["HTTP/9.9", "GET /where HTTP/9.9\r\nHost: x\r\n\r\n", 505, "VERSION_NOT_SUPPORTED"],
      [
        "a compressed transfer",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
        "CODING_UNKNOWN",
      ],
    ];
    for (const [what, bytes, status, error] of cases) {
      it(`${what} - responds ${status} with a JSON body`, async () =>
        refused(await ask(bytes), status, error));
    }

    it("HEAD - gets only the headers of a refusal", async () => {
      const raw = await ask("HEAD /where HTTP/1.1\r\n\r\n");
      assert.match(raw.text, /^HTTP\/1\.1 400 [\s\S]*\r\nContent-Length: \d+\r\n[\s\S]*\r\n\r\n$/);
    });

    it("error that escapes the app's handler - responds 500 without details of the error", async () => {
      const failing = createHttpServer({
        fetch: () => Promise.reject(new Error("a secret")),
        methods: "GET",
      });
      await new Promise<void>((resolve) => failing.listen({ port: 0, host: "127.0.0.1" }, resolve));
      const raw = new RawHttp((failing.address() as AddressInfo).port).get("/");
      await raw.until("}");
      refused(raw, 500, "INTERNAL");
      assert.doesNotMatch(raw.text, /secret/);
      raw.close();
      await new Promise((resolve) => failing.close(resolve));
    });
  });

  describe("bodies", () => {
    const CHUNKED = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

    it("malformed chunk - responds 400 before the connection closes", async () => {
      refused(await ask(`${CHUNKED}zz\r\n`), 400, "BAD_REQUEST");
    });

    it("malformed chunk after others - responds 400", async () => {
      const raw = client().send(`${CHUNKED}2\r\nhi\r\n`);
      await waitFor("the request", () => requests === 1);
      raw.send("zz\r\n");
      await raw.untilEnded();
      refused(raw, 400, "BAD_REQUEST");
    });

    it("connection that ends in the middle - responds 400 to a client that still reads", async () => {
      const raw = client().send(`${CHUNKED}5\r\nhe`);
      raw.socket.end();
      await raw.untilEnded();
      refused(raw, 400, "BAD_REQUEST");
    });

    it("malformed body behind a pending response - waits for the response", async () => {
      const raw = client().get("/gate").send(`${CHUNKED}zz\r\n`);
      await waitFor("both requests", () => requests === 2);
      openGate();
      await raw.untilEnded();
      assert.match(raw.text, /^HTTP\/1\.1 200 [\s\S]*through\nHTTP\/1\.1 400 [\s\S]*"BAD_REQUEST"/);
    });

    it("garbage after a complete request - gets the response and then 400", async () => {
      const raw = client().send("GET /gate HTTP/1.1\r\nHost: x\r\n\r\ngarbage\r\n\r\n");
      await waitFor("the request", () => requests === 1);
      openGate();
      await raw.untilEnded();
      assert.match(raw.text, /^HTTP\/1\.1 200 [\s\S]*through\nHTTP\/1\.1 400 [\s\S]*"BAD_REQUEST"/);
    });
  });

  describe("time", () => {
    it("half a head - responds 408 with a JSON body", async () => {
      await restart(QUICK);
      refused(await ask("GET /where HT"), 408, "REQUEST_TOO_SLOW");
    });

    it("half a body - responds 408 with a JSON body", async () => {
      await restart(QUICK);
      const head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n";
      refused(await ask(`${head}half`), 408, "REQUEST_TOO_SLOW");
    });

    it("idle connection - is kept for longer than load balancers keep theirs, and announces how long", async () => {
      const raw = client().get("/where");
      await raw.until(/\/where x\n$/);
      assert.ok(Number(/\r\nKeep-Alive: timeout=(\d+)\r\n/.exec(raw.text)?.[1]) > 60);
    });

    it("idle connection, before its first request or after it - outlives the timeout for a head", async () => {
      await restart(QUICK);
      const [silent, used] = [client(), client().get("/where")];
      await used.until(/\/where x\n$/);
      const slow = client().send("GET"); // opened later than both
      await slow.untilEnded();
      refused(slow, 408, "REQUEST_TOO_SLOW");
      for (const raw of [silent, used]) {
        assert.equal(raw.ended, undefined);
        raw.get("/where?again");
        await raw.until(/\/where\?again x\n$/);
      }
    });

    it("connection that never sends anything - is closed without a reply after its timeout", async () => {
      await restart({ ...QUICK, idleMs: 300 });
      const raw = client();
      await raw.untilEnded();
      assert.equal(raw.text, "");
    });
  });

  async function restart(timeouts: HttpTimeouts): Promise<void> {
    await new Promise((resolve) => server.close(resolve));
    await start(timeouts);
  }
});
