import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RawHttp } from "../../test/support/raw-http.ts";
import { AdminServer } from "./admin.ts";

describe("admin port", () => {
  const admin = new AdminServer({
    host: "127.0.0.1",
    port: 0,
    notReady: () => undefined,
    metrics: () => Promise.resolve("counted 1\n"),
  });
  let port: number;
  const ask = async (bytes: string): Promise<string> => {
    const raw = new RawHttp(port).send(bytes);
    await raw.untilEnded();
    return raw.text;
  };

  before(async () => {
    port = await admin.start();
  });
  after(() => admin.stop());

  it("HTTP/1.0 without Host, HAProxy's health check - is served", async () => {
    assert.match(await ask("GET /readyz HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 [\s\S]*ready\n$/);
  });

  const bad: readonly (readonly [string, string, string])[] = [
    ["two Host lines", "GET /metrics HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "BAD_HOST"],
    ["no Host in HTTP/1.1", "GET /metrics HTTP/1.1\r\n\r\n", "BAD_HOST"],
    ["a URL that cannot be read", "GET /a\\b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "BAD_TARGET"],
    ["no HTTP", "garbage\r\n\r\n", "BAD_REQUEST"],
  ];
  for (const [what, bytes, error] of bad) {
    it(`${what} - responds 400 with a JSON body`, async () => {
      const [head = "", body = ""] = (await ask(bytes)).split("\r\n\r\n");
      assert.match(head, /^HTTP\/1\.1 400 [\s\S]*\r\ncontent-type: application\/json/i);
      assert.equal(JSON.parse(body).error, error);
    });
  }

  it("OPTIONS - responds 204 with Allow; other methods get 405 with Allow, other paths 404", async () => {
    const url = (path: string): URL => new URL(path, `http://127.0.0.1:${port}`);
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      for (const [method, status] of [
        ["OPTIONS", 204],
        ["POST", 405],
      ] as const) {
        const response = await fetch(url(path), { method });
        assert.deepEqual([response.status, response.headers.get("Allow")], [status, "GET, HEAD, OPTIONS"]);
      }
    }
    const missing = await fetch(url("/nothing"));
    assert.deepEqual(
      [missing.status, ((await missing.json()) as { error: string }).error],
      [404, "NOT_FOUND"],
    );
  });

  it("idle connection - is kept for longer than load balancers keep theirs", async () => {
    const raw = new RawHttp(port).get("/healthz");
    await raw.until("alive\n");
    assert.ok(Number(/\r\nKeep-Alive: timeout=(\d+)\r\n/.exec(raw.text)?.[1]) > 60);
    raw.close();
  });
});
