import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Hono } from "hono";
import { bearer, KEY } from "../test/support/tokens.ts";
import { errorOf, WebEdges } from "../test/support/web-edges.ts";
import { parseCorsOrigin } from "./origins.ts";

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

  it("configured sites - may read with credentials", async () => {
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

  it("other sites - may not read; while reading is anonymous, pages from loopback may", async () => {
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

  it("responses to configured sites - expose the headers that explain a refusal", async () => {
    const headers = { Origin: "https://app.example" };
    for (const [path, status] of [
      ["/session", 401],
      ["/nothing", 404],
    ] as const) {
      const response = await edges.keyed.request(path, { headers });
      assert.equal(response.status, status);
      const exposed = response.headers.get("Access-Control-Expose-Headers") ?? "";
      for (const name of ["Retry-After", "WWW-Authenticate", "Allow"])
        assert.ok(exposed.includes(name), name);
    }
  });

  it("responses to other sites and to programs - have no CORS headers except Vary", async () => {
    for (const headers of [{ Origin: "https://evil.example" }, {}]) {
      const response = await edges.keyed.request("/session", { headers });
      assert.doesNotMatch([...response.headers.keys()].join(), /access-control/);
      assert.match(response.headers.get("Vary") ?? "", /Origin/);
    }
  });

  it("preflight - allows the route's methods, and OPTIONS still has Allow", async () => {
    const preflight = await edges.keyed.request("/session", {
      method: "OPTIONS",
      headers: { Origin: "https://app.example", "Access-Control-Request-Method": "DELETE" },
    });
    assert.deepEqual(
      ["Allow", "Access-Control-Allow-Methods"].map((name) => preflight.headers.get(name)),
      ["GET, HEAD, POST, DELETE, OPTIONS", "GET, HEAD, POST, DELETE, OPTIONS"],
    );
  });

  describe("any site", () => {
    const ORIGIN = { Origin: "https://anywhere.example" };
    let any: Hono;
    before(async () => {
      const corsOrigins = ["*", "https://app.example"];
      any = (await edges.make({ jwtKey: KEY, corsOrigins, allowPublish: true })).app;
    });

    it("page of any site with a token - reads and publishes without cookies", async () => {
      const headers = { ...ORIGIN, ...bearer(edges.token) };
      for (const [path, init] of [
        ["/session", { headers }],
        ["/events/7", { method: "POST", body: "x", headers }],
      ] as const) {
        const response = await any.request(path, init);
        assert.equal(response.status, 200);
        assert.equal(response.headers.get("Access-Control-Allow-Origin"), "*");
        assert.equal(response.headers.get("Access-Control-Allow-Credentials"), null);
      }
    });

    it("page of any site with the visitor's cookie - gets 403, unlike a configured site", async () => {
      const Cookie = `encke_session=${edges.token}`;
      const foreign = await any.request("/session", { headers: { ...ORIGIN, Cookie } });
      assert.deepEqual([foreign.status, await errorOf(foreign)], [403, "FOREIGN_ORIGIN"]);
      const named = await any.request("/session", { headers: { Origin: "https://app.example", Cookie } });
      assert.equal(named.status, 200);
      assert.equal(named.headers.get("Access-Control-Allow-Credentials"), "true");
    });

    it("any site without others configured - leaves the cookie to the edge's own pages", async () => {
      const edge = await edges.make({ jwtKey: KEY, corsOrigins: ["*"] });
      const headers = { ...bearer(edges.token), "X-Forwarded-Proto": "https" };
      const response = await edge.app.request("/session", { method: "POST", headers });
      assert.match(response.headers.get("Set-Cookie") ?? "", /; Secure; SameSite=Lax$/);
    });
  });
});

describe("app - own pages behind a proxy", () => {
  let edges: WebEdges;
  let app: Hono;
  before(async () => {
    edges = await WebEdges.start();
    app = (await edges.make({ jwtKey: KEY, allowPublish: true, corsOrigins: ["https://app.example"] })).app;
  });
  after(() => edges.stop());

  /** Returns the status of a publish with user 7's cookie. */
  const publish = async (headers: Record<string, string>, on = app): Promise<number> => {
    const Cookie = `encke_session=${edges.token}`;
    const response = await on.request("http://edge.example/events/7", {
      method: "POST",
      body: "x",
      headers: { Cookie, ...headers },
    });
    if (response.status === 403) assert.equal(await errorOf(response), "FOREIGN_ORIGIN");
    return response.status;
  };

  const own: readonly Record<string, string>[] = [
    { Origin: "http://edge.example" },
    { Origin: "http://edge.example:8080", Host: "edge.example:8080" },
    { Origin: "http://edge.example", Host: "Edge.Example:80" },
    { Origin: "http://[::1]:8080", Host: "[0:0:0:0:0:0:0:1]:8080" },
    { Origin: "https://edge.example", "X-Forwarded-Proto": "https", Host: "edge.example" },
    { Origin: "https://edge.example", "X-Forwarded-Proto": "HTTPS" },
    { Origin: "https://edge.example", "X-Forwarded-Proto": "https, http" },
    { Origin: "https://edge.example", "X-Forwarded-Proto": " , HTTPS ,http" },
    { Origin: "https://edge.example", "X-Forwarded-Proto": "https", Host: "edge.example:443" },
    { Origin: "https://edge.example:8443", "X-Forwarded-Proto": "https", Host: "edge.example:8443" },
    { Origin: "https://www.example", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "www.example, proxy" },
    { Origin: "http://edge.example:81", "X-Forwarded-Host": "edge.example", Host: "edge.example:81" },
    { Origin: "https://edge.example", "Sec-Fetch-Site": "same-origin" },
    { Origin: "null", "Sec-Fetch-Site": "same-origin" },
    { "Sec-Fetch-Site": "none" },
    { Origin: "https://app.example" },
    { Origin: "https://app.example", "Sec-Fetch-Site": "cross-site" },
    {},
  ];
  for (const headers of own) {
    it(`${JSON.stringify(headers)} - may publish`, async () => assert.equal(await publish(headers), 200));
  }

  const foreign: readonly Record<string, string>[] = [
    { Origin: "https://evil.example" },
    { Origin: "null" },
    { Origin: "https://edge.example" },
    { Origin: "http://edge.example", "X-Forwarded-Proto": "https" },
    { Origin: "https://edge.example", "X-Forwarded-Proto": "http, https" },
    { Origin: "https://edge.example", "X-Forwarded-Proto": "wss" },
    { Origin: "http://edge.example:8080" },
    { Origin: "https://edge.example:80", "X-Forwarded-Proto": "https" },
    { Origin: "http://third.example", "X-Forwarded-Host": "www.example" },
    { Origin: "http://256.1.1.1", Host: "256.1.1.1" },
    { Origin: "https://sub.edge.example", "Sec-Fetch-Site": "same-site" },
    { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" },
  ];
  for (const headers of foreign) {
    it(`${JSON.stringify(headers)} - may not publish`, async () => assert.equal(await publish(headers), 403));
  }

  it("cookie sent from another site's page - gets 403 on every route, including reads", async () => {
    const headers = { Cookie: `encke_session=${edges.token}`, Origin: "https://evil.example" };
    for (const [method, path] of [
      ["GET", "/stream"],
      ["GET", "/test/7"],
      ["GET", "/graph/7"],
      ["GET", "/session"],
      ["POST", "/session"],
      ["DELETE", "/session"],
      ["POST", "/events/7"],
    ] as const) {
      const response = await app.request(path, { method, headers });
      assert.deepEqual(
        [response.status, await errorOf(response)],
        [403, "FOREIGN_ORIGIN"],
        `${method} ${path}`,
      );
    }
  });

  it("cookie from another site - gets 403 in the request for a picture, and 200 in a link that the visitor follows", async () => {
    const cookie = { Cookie: `encke_session=${edges.token}`, "Sec-Fetch-Site": "cross-site" };
    const picture = await app.request("/session", { headers: { ...cookie, "Sec-Fetch-Mode": "no-cors" } });
    assert.equal(picture.status, 403);
    const link = await app.request("/session", { headers: { ...cookie, "Sec-Fetch-Mode": "navigate" } });
    assert.equal(link.status, 200);
  });

  it("page of another site, with anonymous reading - may not publish", async () => {
    assert.equal(await publish({ Cookie: "", Origin: "https://evil.example" }, edges.app), 403);
    assert.equal(await publish({ Cookie: "", Origin: "http://localhost:3000" }, edges.app), 200);
  });

  it("cookie - is Secure if the page's scheme is https, and is deleted with the same attributes", async () => {
    for (const scheme of ["https", "HTTPS", "https,http"]) {
      const headers = { ...bearer(edges.token), "X-Forwarded-Proto": scheme };
      for (const method of ["POST", "DELETE"]) {
        const response = await app.request("/session", { method, headers });
        assert.match(
          response.headers.get("Set-Cookie") ?? "",
          /; Secure; SameSite=None$/,
          `${method} ${scheme}`,
        );
      }
    }
  });
});

describe("--cors-origin", () => {
  const written: readonly (readonly [string, string])[] = [
    ["https://app.example", "https://app.example"],
    ["https://app.example/", "https://app.example"],
    ["HTTPS://App.Example", "https://app.example"],
    ["https://app.example:443", "https://app.example"],
    ["http://app.example:80/", "http://app.example"],
    ["https://app.example:8443", "https://app.example:8443"],
    ["http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"],
    ["https://b\u00fccher.example", "https://xn--bcher-kva.example"],
    ["capacitor://localhost", "capacitor://localhost"],
    ["*", "*"],
  ];
  for (const [given, origin] of written) {
    it(`${given} - is parsed as ${origin}`, () => assert.equal(parseCorsOrigin(given), origin));
  }

  for (const given of [
    ...["app.example", "app.example:8080", "localhost:3000", "//app.example", "", " ", "null", "NULL"],
    ...[
      "https://app.example/live",
      "https://app.example/?x",
      "https://app.example#x",
      "https://app.example//",
    ],
    ...["https://", "https://:8080", "https://user@app.example", "https://app.example:99999", "https://a b"],
    ...[
      "https://*.example",
      "https://*",
      "wss://app.example",
      "ftp://app.example",
      "file:///",
      "data:text/html,x",
    ],
  ]) {
    it(`${JSON.stringify(given)} - is refused with the value and the remedy`, () =>
      assert.throws(
        () => parseCorsOrigin(given),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "BAD_CONFIG");
          return (
            error.message.includes(JSON.stringify(given)) &&
            /such as https:\/\/app\.example$/.test(error.message)
          );
        },
      ));
  }

  it("site that is not written as browsers write it - may still read", async () => {
    const edges = await WebEdges.start();
    const edge = await edges.make({ jwtKey: KEY, corsOrigins: ["HTTPS://App.Example:443/"] });
    const response = await edge.app.request("/session", { headers: { Origin: "https://app.example" } });
    assert.equal(response.headers.get("Access-Control-Allow-Origin"), "https://app.example");
    await edges.stop();
  });
});
