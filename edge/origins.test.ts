import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Hono } from "hono";
import { bearer, WebEdges } from "../test/support/web-edges.ts";

describe("app - other sites", () => {
  let edges: WebEdges;
  before(async () => {
    edges = await WebEdges.start();
  });
  after(() => edges.stop());

  const allowed = async (on: Hono, origin: string): Promise<string | null> => {
    const response = await on.request("/session", {
      headers: { Origin: origin, ...(on === edges.keyed ? bearer(edges.token) : {}) },
    });
    return response.headers.get("Access-Control-Allow-Origin");
  };

  it("named ones - may read, with credentials", async () => {
    assert.equal(await allowed(edges.keyed, "https://app.example"), "https://app.example");
    const preflight = await edges.keyed.request("/stream", {
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
      assert.equal(await allowed(edges.keyed, origin), null, origin);
      assert.equal(await allowed(edges.app, origin), null, origin);
    }
    for (const origin of ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:5173"]) {
      assert.equal(await allowed(edges.app, origin), origin);
      assert.equal(await allowed(edges.keyed, origin), null);
    }
  });

  it("replies to others, and to programs - have no CORS headers but Vary", async () => {
    for (const headers of [{ Origin: "https://evil.example" }, {}]) {
      const response = await edges.keyed.request("/session", { headers });
      assert.doesNotMatch([...response.headers.keys()].join(), /access-control/);
      assert.match(response.headers.get("Vary") ?? "", /Origin/);
    }
  });

  it("a preflight - allows the route's methods, and OPTIONS has Allow all the same", async () => {
    const preflight = await edges.keyed.request("/session", {
      method: "OPTIONS",
      headers: { Origin: "https://app.example", "Access-Control-Request-Method": "DELETE" },
    });
    assert.deepEqual(
      ["Allow", "Access-Control-Allow-Methods"].map((name) => preflight.headers.get(name)),
      ["GET, HEAD, POST, DELETE, OPTIONS", "GET, HEAD, POST, DELETE, OPTIONS"],
    );
  });
});
