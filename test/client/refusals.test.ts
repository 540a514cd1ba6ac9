// What the client does when a server refuses, talks nonsense or is not there: how often it comes back, and
// when it gives up. The servers are real; the client's time passes faster, and the servers count in that
// time. CLIENT_FULL=1 lets it pass at its own speed, which takes four minutes.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { before, describe, it } from "node:test";
import { EnckeStream, type LostError, RefusedError } from "encke-client";
import { ScriptedServer } from "../support/scripted-server.ts";
import { waitFor } from "../support/wait-for.ts";

const IS_FULL = process.env.CLIENT_FULL !== undefined;
const SPEED = IS_FULL ? 1 : 30;
const MINUTE_MS = 60_000;
const MINUTES = 3;
/** Timers may fire a millisecond early, so minutes are counted a little short. */
const EARLY_MS = 5 * SPEED;
const WELCOME = "event: welcome\nid: c0\ndata: {}\n\n";

type Format = "sse" | "ndjson";
type Respond = (socket: Socket, nth: number) => void;

interface Case {
  readonly title: string;
  readonly respond: Respond;
  /** The code of each `lost`. */
  readonly code: string;
  readonly format?: Format;
  /** The time that the server demands. */
  readonly demandedMs?: number;
}

/** Returns a complete response. */
function reply(
  status: number,
  body: string | Buffer,
  fields: Readonly<Record<string, string>> = {},
): Respond {
  const all = { "Content-Length": String(Buffer.byteLength(body)), Connection: "close", ...fields };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return (socket) => {
    socket.write(`HTTP/1.1 ${status} Status\r\n${head.join("")}\r\n`);
    socket.end(body);
  };
}

const sse = (body: string | Buffer): Respond => reply(200, body, { "Content-Type": "text/event-stream" });
const ndjson = (body: string | Buffer): Respond =>
  reply(200, body, { "Content-Type": "application/x-ndjson" });

/** Begins a stream, and writes the same bytes for as long as the client takes them. */
function flood(type: string, bytes: Buffer): Respond {
  return (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`);
    const more = (): void => {
      while (socket.writable && socket.write(bytes));
    };
    socket.on("drain", more);
    more();
  };
}

const GOODBYE = 'retry: 5000\nevent: goodbye\ndata: {"reason":"full"}\n\n';
const HTML = "<!doctype html><title>Log in</title>\n\n";

const CASES: readonly Case[] = [
  { title: "503", respond: reply(503, "busy"), code: "REFUSED" },
  {
    title: "503 with Retry-After in seconds",
    respond: reply(503, "busy", { "Retry-After": "50" }),
    ...{ code: "REFUSED", demandedMs: 50_000 },
  },
  {
    title: "503 with Retry-After as a date",
    respond: reply(503, "busy", {
      ...{ Date: "Sat, 21 Nov 2026 20:00:00 GMT", "Retry-After": "Sat, 21 Nov 2026 20:00:40 GMT" },
    }),
    ...{ code: "REFUSED", demandedMs: 40_000 },
  },
  {
    title: "429 with Retry-After",
    respond: reply(429, '{"error":"TOO_MANY","message":"slow down"}', { "Retry-After": "20" }),
    ...{ code: "REFUSED", demandedMs: 20_000 },
  },
  { title: "500 whose body is null", respond: reply(500, "null"), code: "REFUSED" },
  { title: "200 with goodbye", respond: sse(GOODBYE), code: "GOODBYE", demandedMs: 5_000 },
  {
    title: "200 with goodbye",
    respond: ndjson('{"cursor":"c0"}\n{"goodbye":{"reason":"busy","retryMs":5000}}\n'),
    ...{ code: "GOODBYE", format: "ndjson", demandedMs: 5_000 },
  },
  {
    title: "200 with a goodbye whose retryMs is a text",
    respond: ndjson('{"goodbye":{"reason":"busy","retryMs":"soon"}}\n'),
    ...{ code: "GOODBYE", format: "ndjson" },
  },
  {
    title: "200 with goodbye, because every token is expired",
    respond: sse('event: goodbye\ndata: {"reason":"expired"}\n\n'),
    code: "EXPIRED",
  },
  {
    title: "200 with a page",
    respond: reply(200, HTML, { "Content-Type": "text/html" }),
    code: "NOT_A_STREAM",
  },
  { title: "200 without a type", respond: reply(200, WELCOME), code: "NOT_A_STREAM" },
  { title: "204", respond: reply(204, ""), code: "NOT_A_STREAM" },
  { title: "a stream of binary garbage", respond: sse(randomBytes(50_000)), code: "ENDED" },
  {
    title: "a stream of binary garbage",
    respond: ndjson(randomBytes(50_000)),
    ...{ code: "ENDED", format: "ndjson" },
  },
  {
    title: "a line without end",
    respond: flood("text/event-stream", Buffer.alloc(500_000, "x")),
    code: "NOT_A_STREAM",
  },
  {
    title: "a line without end",
    respond: flood("application/x-ndjson", Buffer.alloc(500_000, "{")),
    ...{ code: "NOT_A_STREAM", format: "ndjson" },
  },
  { title: "a stream that ends after its welcome", respond: sse(WELCOME), code: "ENDED" },
  { title: "a connection that is reset", respond: (socket) => socket.resetAndDestroy(), code: "NETWORK" },
  { title: "half a head", respond: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-"), code: "NETWORK" },
  { title: "a server that accepts and is silent", respond: () => {}, code: "SILENT" },
  {
    title: "a stream that is silent after its welcome",
    respond: (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n${WELCOME}`),
    code: "SILENT",
  },
  {
    title: "a refusal whose body never ends",
    respond: (socket) => socket.write("HTTP/1.1 503 Busy\r\nContent-Length: 99\r\n\r\n{"),
    code: "REFUSED",
  },
];

/** Times at which something happened, in the client's milliseconds since the first. */
class Times {
  readonly #times: number[] = [];

  note(): void {
    this.#times.push(performance.now());
  }

  get all(): readonly number[] {
    const [first = 0] = this.#times;
    return this.#times.map((time) => (time - first) * SPEED);
  }

  /** Resolves when so many of the client's minutes have passed since the first time. */
  async until(minutes: number): Promise<void> {
    await waitFor("a first request", () => this.#times.length > 0);
    const endAt = (this.#times[0] as number) + (minutes * MINUTE_MS) / SPEED;
    await waitFor(`${minutes} minutes`, () => performance.now() >= endAt, MINUTES * MINUTE_MS + 20_000);
  }

  /** Fails unless the rate is the documented one, with a pause of at least `demandedMs` between two. */
  assertRate(demandedMs = 0): void {
    const { all } = this;
    const story = all.map((ms) => (ms / 1_000).toFixed(1)).join(" s, ");
    const within = (from: number): number =>
      all.filter((ms) => ms >= from && ms < from + MINUTE_MS - EARLY_MS).length;
    assert.ok(within(0) <= 10, `first minute: ${story}`);
    for (const from of all.filter((ms) => ms >= MINUTE_MS)) assert.ok(within(from) <= 2, story);
    for (const [nth, ms] of all.slice(1).entries())
      assert.ok(ms - (all[nth] as number) >= demandedMs - EARLY_MS, `demanded ${demandedMs}: ${story}`);
    assert.ok(all.length >= MINUTES - 1, `it tries again: ${story}`);
  }
}

/** Follows a URL for some minutes; returns the codes of its losses. */
async function endure(url: string, format: Format, random: () => number, times: Times): Promise<Set<string>> {
  const codes = new Set<string>();
  const stream = new EnckeStream(url, { format, speed: SPEED, random });
  stream.addEventListener("lost", ({ detail }: CustomEvent<LostError>) => {
    codes.add(detail.code);
    assert.equal(stream.state, "lost");
  });
  stream.addEventListener("event", () => assert.fail("there is no event"));
  await times.until(MINUTES);
  assert.notEqual(stream.state, "closed");
  stream.close();
  return codes;
}

/** When the client comes back: the earliest time is the worst for a server. */
const SOURCES: readonly (readonly [string, () => number])[] = [
  ["as early as possible", () => 0],
  ...(IS_FULL ? [["at random", Math.random] as const] : []),
];

describe("a server that does not serve", { concurrency: true }, () => {
  // the first request of a process takes long, and time passes quickly here
  before(async () => {
    const server = await ScriptedServer.start(reply(204, ""));
    await fetch(`http://127.0.0.1:${server.port}/`);
    server.stop();
  });

  for (const [source, random] of SOURCES) {
    for (const { title, respond, code, format = "sse", demandedMs } of CASES)
      it(`${title}, ${format}, ${source} - 10 requests in the first minute, 2 per minute later`, async () => {
        const times = new Times();
        const server = await ScriptedServer.start((socket, _, nth) => {
          times.note();
          respond(socket, nth);
        });
        try {
          const codes = await endure(`http://127.0.0.1:${server.port}/stream`, format, random, times);
          assert.deepEqual([...codes], [code]);
          times.assertRate(demandedMs);
        } finally {
          server.stop();
        }
      });

    it(`a refused connection, ${source} - 10 requests in the first minute, 2 per minute later`, async () => {
      const server = await ScriptedServer.start(() => {});
      const url = `http://127.0.0.1:${server.port}/stream`;
      server.stop();
      const times = new Times();
      const stream = new EnckeStream(url, {
        ...{ speed: SPEED, random },
        token: () => {
          times.note();
          return "token";
        },
      });
      stream.addEventListener("event", () => assert.fail("there is no event"));
      await times.until(MINUTES);
      stream.close();
      times.assertRate();
    });
  }

  refusalsForGood();
});

/** Iterates until the stream ends with an error; returns it with the number of requests and of tokens. */
async function refusalBy(respond: Respond, withToken: boolean) {
  const times = new Times();
  const server = await ScriptedServer.start((socket, _, nth) => {
    times.note();
    respond(socket, nth);
  });
  let tokens = 0;
  const token = (): string => {
    tokens += 1;
    return `token${tokens}`;
  };
  const options = { speed: SPEED, ...(withToken && { token }) };
  const stream = new EnckeStream(`http://127.0.0.1:${server.port}/stream`, options);
  const closes: (RefusedError | null)[] = [];
  stream.addEventListener("close", ({ detail }: CustomEvent<RefusedError | null>) => closes.push(detail));
  const events: unknown[] = [];
  let error: unknown;
  try {
    for await (const { data } of stream) events.push(data);
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof RefusedError, String(error));
  assert.deepEqual([closes, stream.state], [[error], "closed"]);
  await times.until(1);
  server.stop();
  return { error, events, requests: times.all.length, tokens, authorizations: authorizationsIn(server) };
}

const authorizationsIn = ({ requests }: ScriptedServer): (string | undefined)[] =>
  requests.map((request) => /^authorization: (.*)$/im.exec(request)?.[1]?.trim());

/** Beside the others, because each of them takes a minute of the client's time. */
function refusalsForGood(): void {
  for (const [status, code] of [
    [400, "BAD_REQUEST"],
    [403, "FORBIDDEN"],
    [404, "NOT_FOUND"],
    [410, "BAD_REQUEST"],
  ] as const)
    it(`${status} - ends the stream with ${code} after one request`, async () => {
      const body = JSON.stringify({ error: "CODE", message: "the mistake and the remedy" });
      const { error, requests } = await refusalBy(reply(status, body), true);
      assert.deepEqual(
        [error.code, error.status, error.message, error.name, requests],
        [code, status, "the mistake and the remedy", "RefusedError", 1],
      );
    });

  it("401 with a token - asks for a token once more, then ends with UNAUTHORIZED", async () => {
    const { error, requests, tokens, authorizations } = await refusalBy(reply(401, HTML), true);
    assert.deepEqual([error.code, error.status, requests, tokens], ["UNAUTHORIZED", 401, 2, 2]);
    assert.deepEqual(authorizations, ["Bearer token1", "Bearer token2"]);
    assert.match(error.message, /responded 401/);
  });

  it("401 without a token - ends with UNAUTHORIZED after one request", async () => {
    const { error, requests } = await refusalBy(reply(401, "null"), false);
    assert.deepEqual([error.code, requests], ["UNAUTHORIZED", 1]);
  });

  it("401 after a stream that was open - asks for a token once more each time", async () => {
    const event = 'id: c1\ndata: {"id":"1","time":"","data":"hello"}\n\n';
    const script = [reply(401, ""), sse(WELCOME), reply(401, ""), sse(WELCOME + event)];
    const respond: Respond = (socket, nth) => (script[nth - 1] ?? reply(401, ""))(socket, nth);
    const { events, requests, tokens } = await refusalBy(respond, true);
    assert.deepEqual([events, requests, tokens], [["hello"], 6, 6]);
  });

  it("403 whose body never ends - ends the stream once the edge counts as silent", async () => {
    const respond: Respond = (socket) => socket.write("HTTP/1.1 403 No\r\nContent-Length: 99\r\n\r\n{");
    const { error, requests } = await refusalBy(respond, true);
    assert.deepEqual([error.code, requests], ["FORBIDDEN", 1]);
  });
}
