import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { BrokerError } from "../broker/contract.ts";
import { EdgeError, respondToError } from "./errors.ts";

interface Reply {
  readonly response: Response;
  readonly text: string;
  readonly hidden: readonly Error[];
}

/**
 * Returns what a client receives if a handler throws this error; `asked` is a stream whose format can express
 * a refusal.
 */
async function replyTo(error: Error, asked = false): Promise<Reply> {
  const hidden: Error[] = [];
  const app = new Hono();
  app.get("/", (c) => {
    if (asked)
      c.set("askedStream", {
        headers: { "Content-Type": "text/event-stream" },
        goodbye: (reason, retryMs) => `${reason} ${retryMs}`,
      });
    throw error;
  });
  app.onError((thrown, c) => respondToError(thrown, c, (one) => hidden.push(one)));
  const response = await app.request("/");
  return { response, text: await response.text(), hidden };
}

describe("responses to errors", () => {
  const shown: readonly (readonly [Error, number, string?, string?])[] = [
    [new EdgeError("BAD_QUERY", "what is wrong"), 400],
    [new EdgeError("TOKEN_INVALID", "what is wrong"), 401, "WWW-Authenticate", 'Bearer realm="encke"'],
    [new EdgeError("NOT_YOURS", "what is wrong"), 403],
    [new EdgeError("BODY_ENCODED", "what is wrong"), 415, "Accept-Encoding", "identity"],
    [new EdgeError("TOO_MANY_STREAMS", "what is wrong"), 429, "Retry-After", "5"],
    [new EdgeError("EDGE_DRAINING", "what is wrong"), 503, "Retry-After", "1"],
    [new BrokerError("BAD_USER", "what is wrong"), 400],
    [new BrokerError("PAYLOAD_TOO_LARGE", "what is wrong"), 413],
    [new BrokerError("NO_RESPONDERS", "what is wrong"), 503, "Retry-After", "5"],
  ];
  for (const [error, status, header, value] of shown) {
    const { code } = error as EdgeError;
    it(`${code} - is shown with its text as ${status}`, async () => {
      const { response, text, hidden } = await replyTo(error);
      assert.equal(response.status, status);
      assert.deepEqual(JSON.parse(text), { error: code, message: "what is wrong" });
      if (header !== undefined) assert.equal(response.headers.get(header), value);
      assert.deepEqual(hidden, []);
    });
  }

  for (const error of [
    new Error("secret"),
    new EdgeError("BAD_CONFIG", "secret"),
    new BrokerError("BAD_EVENT", "secret"),
    Object.assign(new Error("secret"), { code: "NOT_YOURS" }),
  ]) {
    it(`${error.name} ${"code" in error ? error.code : ""} - is hidden, and logged once`, async () => {
      const { response, text, hidden } = await replyTo(error);
      assert.equal(response.status, 500);
      assert.equal(JSON.parse(text).error, "INTERNAL");
      assert.doesNotMatch(text, /secret/);
      assert.deepEqual(hidden, [error]);
    });
  }

  it("refused stream - gets 200, a goodbye and a retry time if a retry can help", async () => {
    for (const [code, reason, minMs] of [
      ["TOO_MANY_STREAMS", "too-many-streams", 5_000],
      ["EDGE_FULL", "full", 5_000],
      ["EDGE_DRAINING", "drain", 1_000],
    ] as const) {
      const { response, text } = await replyTo(new EdgeError(code, "what is wrong"), true);
      assert.equal(response.status, 200);
      const [said, retryMs] = text.split(" ");
      assert.equal(said, reason);
      assert.ok(Number(retryMs) >= minMs && Number(retryMs) <= 2 * minMs, text);
    }
    assert.equal((await replyTo(new EdgeError("NOT_YOURS", "what is wrong"), true)).response.status, 403);
  });
});
