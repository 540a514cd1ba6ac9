import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SignJWT } from "jose";
import { quote } from "../lib/errors.ts";
import { bearer, KEY } from "../test/support/tokens.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { Body, errorOf, WebEdges } from "../test/support/web-edges.ts";
import { signToken } from "./auth.ts";

/** Signs a token with these claims, whatever they are. */
function sign(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(KEY));
}

/** Signs a token whose claims are this text, because JSON has numbers that JavaScript cannot write. */
async function signText(claims: string): Promise<string> {
  const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
  const text = new TextEncoder();
  const signed = `${encode(text.encode('{"alg":"HS256"}'))}.${encode(text.encode(claims))}`;
  const hash = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", text.encode(KEY), hash, false, ["sign"]);
  return `${signed}.${encode(new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(signed))))}`;
}

describe("app - authentication", () => {
  let edges: WebEdges;
  before(async () => {
    edges = await WebEdges.start();
  });
  after(() => edges.stop());

  it("missing token - responds 401 if one is needed", async () => {
    for (const path of ["/stream", "/stream?user=7", "/test/7", "/session", "/graph/7"]) {
      const response = await edges.keyed.request(path);
      assert.equal(response.status, 401, path);
      assert.match(response.headers.get("WWW-Authenticate") ?? "", /^Bearer/);
    }
  });

  it("a user's token - opens the user's stream, with or without ?user", async () => {
    for (const path of ["/stream", "/stream?user=7", "/test/7"]) {
      const response = await edges.keyed.request(path, { headers: bearer(edges.token) });
      assert.equal(response.status, 200, path);
      await response.body?.cancel();
    }
  });

  it("another user's stream - responds 403", async () => {
    for (const path of ["/stream?user=9", "/test/9", "/test/7,9", "/graph/9"]) {
      const response = await edges.keyed.request(path, { headers: bearer(edges.token) });
      assert.deepEqual([response.status, await errorOf(response)], [403, "NOT_YOURS"], path);
    }
  });

  it("bad tokens - respond 401, whatever is wrong with them", async () => {
    const none = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${btoa('{"sub":"7"}').replaceAll("=", "")}.`;
    const foreign = await signToken("another key of at least 32 bytes!", "7", 60_000);
    const expired = await signToken(KEY, "7", -60_000);
    for (const bad of ["x", "a.b.c", none, foreign, expired, `${edges.token}x`, "x".repeat(10_000)]) {
      const response = await edges.keyed.request("/stream", { headers: bearer(bad) });
      assert.deepEqual([response.status, await errorOf(response)], [401, "TOKEN_INVALID"]);
    }
  });

  for (const sub of [
    7,
    0,
    -1,
    1.5,
    null,
    true,
    false,
    ["7"],
    [],
    {},
    { toString: "7" },
    "",
    "a.b",
    "7\n",
    "ä",
  ]) {
    it(`token whose sub is ${JSON.stringify(sub)} - responds 401 that names the claim, on every route`, async () => {
      const token = await sign({ sub });
      for (const [method, path] of [
        ["GET", "/stream"],
        ["GET", "/session"],
        ["POST", "/session"],
        ["GET", "/graph/7"],
      ] as const) {
        const response = await edges.keyed.request(path, { method, headers: bearer(token) });
        assert.equal(response.status, 401, `${method} ${path}`);
        const { error, message } = (await response.json()) as { error: string; message: string };
        assert.equal(error, "TOKEN_INVALID");
        assert.ok(
          message.includes('"sub"') &&
            message.includes(quote(typeof sub === "string" ? sub : JSON.stringify(sub))),
          message,
        );
      }
    });
  }

  it("token without a sub - responds 401 that names the claim", async () => {
    const response = await edges.keyed.request("/stream", { headers: bearer(await sign({})) });
    assert.equal(response.status, 401);
    assert.match(await response.text(), /\\"sub\\" must be .*, it is missing/);
  });

  for (const claim of ["exp", "nbf", "iat"]) {
    for (const value of ['"9999999999"', "null", "true", "[9999999999]", "{}"]) {
      it(`token whose ${claim} is ${value} - responds 401 that names the claim`, async () => {
        const token = await signText(`{"sub":"7","${claim}":${value}}`);
        const response = await edges.keyed.request("/session", { headers: bearer(token) });
        assert.equal(response.status, 401);
        assert.ok((await response.text()).includes(claim));
      });
    }
  }

  for (const claims of [
    '"exp":-1',
    '"exp":0',
    '"exp":-1e308',
    '"exp":1.5',
    '"nbf":1e308',
    '"nbf":1e999',
    '"nbf":9999999999.5',
  ]) {
    it(`token with ${claims} - responds 401`, async () => {
      const token = await signText(`{"sub":"7",${claims}}`);
      assert.equal((await edges.keyed.request("/session", { headers: bearer(token) })).status, 401);
    });
  }

  for (const claims of [
    ...['"exp":9223372036854775807', '"exp":1e17', '"exp":1e308', '"exp":1e999', '"exp":8640000000000'],
    ...['"exp":4102444800.75', '"nbf":-1e308', '"nbf":0.5', '"iat":1e308', '"iat":-1', '"iat":1e999'],
  ]) {
    it(`token with ${claims} - practically never expires, in a stream and as a cookie`, async () => {
      const token = await signText(`{"sub":"7",${claims}}`);
      const body = new Body(await edges.keyed.request("/stream", { headers: bearer(token) }));
      edges.network.client.publish("user.7", "still here");
      await body.until(/"still here"/);
      assert.equal(body.done, false);
      await body.cancel();
      const signedIn = await edges.keyed.request("/session", { method: "POST", headers: bearer(token) });
      assert.match(signedIn.headers.get("Set-Cookie") ?? "", /; Max-Age=86400; /);
    });
  }

  it("several session cookies - the first valid one is used, and at most four are tried", async () => {
    const stale = await signToken(KEY, "7", -60_000);
    const foreign = await signToken("another key of at least 32 bytes!", "9", 60_000);
    const session = (...tokens: string[]): Promise<Response> => {
      const Cookie = tokens.map((token) => `encke_session=${token}`).join("; ");
      return Promise.resolve(edges.keyed.request("/session", { headers: { Cookie: `a=b; ${Cookie}; c=d` } }));
    };
    for (const before of [[stale], [foreign], ["x"], [""], [stale, foreign, "x"], ["", "", "", "", ""]]) {
      const response = await session(...before, edges.token);
      assert.deepEqual([response.status, ((await response.json()) as { user: string }).user], [200, "7"]);
    }
    assert.equal((await session(stale, foreign, "x", "y", edges.token)).status, 401);
    const refused = await session(stale, foreign);
    assert.equal(refused.status, 401);
    assert.match(await refused.text(), /it has expired/); // the fault of the first
    assert.equal(await errorOf(await session("")), "TOKEN_MISSING");
  });

  it("cookie with a similar name - is not the session's", async () => {
    for (const name of ["encke_session2", "xencke_session", "ENCKE_SESSION"]) {
      const headers = { Cookie: `${name}=${edges.token}` };
      assert.equal(await errorOf(await edges.keyed.request("/session", { headers })), "TOKEN_MISSING");
    }
  });

  it("token on an edge without a key - responds 401 instead of reading anonymously", async () => {
    assert.equal((await edges.app.request("/stream?user=7", { headers: bearer(edges.token) })).status, 401);
  });

  it("POST /session - turns the token into a cookie, which opens the stream", async () => {
    const signedIn = await edges.keyed.request("/session", { method: "POST", headers: bearer(edges.token) });
    assert.equal(signedIn.status, 200);
    const cookie = signedIn.headers.get("Set-Cookie") ?? "";
    assert.match(cookie, /^encke_session=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    const headers = { Cookie: cookie.split(";")[0] ?? "" };
    const stream = await edges.keyed.request("/stream", { headers });
    assert.equal(stream.status, 200);
    await stream.body?.cancel();
    assert.deepEqual(await (await edges.keyed.request("/session", { headers })).json(), {
      user: "7",
      anonymous: false,
      publish: false,
    });
    const out = await edges.keyed.request("/session", { method: "DELETE", headers });
    assert.match(out.headers.get("Set-Cookie") ?? "", /^encke_session=; Max-Age=0/);
  });

  it("POST /session - makes the cookie Secure behind TLS, and allows it for the configured sites", async () => {
    const headers = { ...bearer(edges.token), "X-Forwarded-Proto": "https" };
    const cookie =
      (await edges.keyed.request("/session", { method: "POST", headers })).headers.get("Set-Cookie") ?? "";
    assert.match(cookie, /Secure; SameSite=None/);
  });

  it("POST /session without a token - responds 401", async () => {
    assert.equal((await edges.keyed.request("/session", { method: "POST" })).status, 401);
  });

  it("stale cookie on an edge without a key - is ignored", async () => {
    const response = await edges.app.request("/stream?user=9", {
      headers: { Cookie: "encke_session=stale" },
    });
    assert.equal(response.status, 200);
    await response.body?.cancel();
  });

  it("stream - ends when its token expires", async () => {
    const body = new Body(
      await edges.keyed.request("/stream", { headers: bearer(await signToken(KEY, "7", 1_000)) }),
    );
    await waitFor("the end", () => body.done);
    assert.match(body.text, /\{"goodbye":\{"reason":"expired"\}\}\n$/);
  });

  it("short key - is refused with a command that makes one", async () => {
    await assert.rejects(edges.make({ jwtKey: "short" }), {
      code: "BAD_CONFIG",
      message: /32.*openssl rand/,
    });
  });
});
