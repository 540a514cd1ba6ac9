import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { StreamFormat } from "../../edge/formats/format.ts";
import { frameFor } from "../../edge/formats/frame.ts";
import { ndjson } from "../../edge/formats/ndjson.ts";
import { PositionedEvent } from "../../edge/formats/positioned-event.ts";
import { sse } from "../../edge/formats/sse.ts";
import { text } from "../../edge/formats/text.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { ScriptedServer } from "../../test/support/scripted-server.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Digests } from "./digest.ts";
import { Latency, nowUs } from "./latency.ts";
import { isNativeBuilt, NativeReaders } from "./native-readers.ts";
import { PlainReaders } from "./plain-readers.ts";
import type { Readers, ReadersOptions, StreamEnd } from "./readers.ts";
import { resolveTargets, type TargetPlan } from "./targets.ts";

const RUN = "0123456789ab";
const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";

/** The implementations, which must pass the same tests. */
const IMPLEMENTATIONS: readonly (readonly [string, boolean, (options: ReadersOptions) => Readers])[] = [
  ["native readers", isNativeBuilt, (options) => new NativeReaders(options)],
  ["plain readers", true, (options) => new PlainReaders(options)],
];

const chunk = (body: string): string => `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`;

/** The bytes of a stream in this format: events of this run and of another, similar text, and a resync. */
function bodyIn(format: StreamFormat): string[] {
  const event = (data: object): string =>
    new TextDecoder().decode(
      frameFor(
        new PositionedEvent("e1", JSON.stringify({ id: "e1", topic: "42", data }), "c1").frame(format),
        () => 7,
      ).bytes,
    );
  return [
    format.welcome({ users: ["7"], retryMs: 1_000, cursor: "c0" }),
    event({ run: RUN, from: "42", seq: 1, sentUs: nowUs() }),
    event({ run: "another", from: "42", seq: 2, sentUs: 1 }) +
      event({ run: RUN, from: "user-x", seq: 70_000, sentUs: nowUs() }),
    format.resync({ reason: "graph-restarted" }, "c1"),
    event({ text: '"run" of "from":"none' }),
    event({ run: RUN, from: "42", seq: 3, sentUs: nowUs() }),
  ];
}

function expectedDigest(size: number): Digests {
  const digests = new Digests(size);
  for (let stream = 0; stream < size; stream += 1) {
    digests.addEvent(stream, "42", 1);
    digests.addEvent(stream, "user-x", 70_000);
    digests.addEvent(stream, "42", 3);
  }
  return digests;
}

for (const [name, can, make] of IMPLEMENTATIONS) {
  describe(name, { skip: can ? false : "the addon is not built here" }, () => {
    const ends: StreamEnd[] = [];
    let server: ScriptedServer | undefined;
    let readers: Readers | undefined;
    afterEach(() => {
      readers?.close();
      server?.stop();
      ends.length = 0;
    });

    async function openAll(
      port: number,
      count: number,
      more: Partial<ReadersOptions> = {},
    ): Promise<Readers> {
      const plan: TargetPlan = {
        kind: "counted",
        base: `http://127.0.0.1:${port}/test/`,
        firstId: 0,
        step: 1,
        count,
      };
      const opened = make({
        targets: await resolveTargets(plan, 0),
        sources: [],
        firstSource: 0,
        sourceStep: 1,
        headers: "",
        run: RUN,
        onEnd: (end) => ends.push(end),
        ...more,
      });
      for (let stream = 0; stream < count; stream += 1) opened.open(stream);
      readers = opened;
      return opened;
    }

    for (const format of [ndjson, sse, text]) {
      it(`${format.name} - a stream that is split at any byte gives the same messages, digest and latencies`, async () => {
        const body = bodyIn(format);
        const wire = Buffer.from(HEAD + body.map(chunk).join(""));
        const dataBytes = Buffer.byteLength(body.join(""));
        const count = wire.length;
        /** Returns the number of data bytes in the first `split` bytes on the wire. */
        const dataBefore = (split: number): number => {
          let [at, data] = [HEAD.length, 0];
          for (const part of body) {
            at += chunk(part).indexOf("\n") + 1;
            data += Math.min(Math.max(0, split - at), Buffer.byteLength(part));
            at += Buffer.byteLength(part) + 2;
          }
          return data;
        };
        server = await ScriptedServer.start((socket, id) => socket.write(wire.subarray(0, id)));
        const opened = await openAll(server.port, count);
        await waitFor("all requests", () => server?.answered === count);
        if (opened instanceof NativeReaders) {
          const seen = Array.from({ length: count }, (_, id) => dataBefore(id)).reduce(
            (sum, bytes) => sum + bytes,
          );
          await waitFor("every first part", () => opened.counts().bytes === seen);
        }
        for (const [id, socket] of server.sockets) socket.write(wire.subarray(id));
        await waitFor("every second part", () => opened.counts().bytes === count * dataBytes);
        await waitFor("every last chunk", () => opened.counts().chunks === count * body.length);
        const { active, opening, messages, resyncs } = opened.counts();
        assert.deepEqual(
          { active, opening, messages, resyncs },
          { active: count, opening: 0, messages: 3 * count, resyncs: count },
        );
        assert.deepEqual(opened.digests(), expectedDigest(count).words);
        const latency = new Latency();
        opened.drainLatency(latency);
        assert.equal(latency.count, 3 * count);
        assert.ok((latency.ms?.max ?? 0) < 60_000);
        assert.deepEqual(ends, []);
      });
    }

    it("messages - are counted if a chunk ends within one, and without chunks over HTTP/1.0", async () => {
      const [, first = ""] = bodyIn(ndjson);
      server = await ScriptedServer.start((socket, id) => {
        const parts = [first.slice(0, 60), first.slice(60)];
        socket.write(id === 0 ? HEAD + parts.map(chunk).join("") : `HTTP/1.0 200 OK\r\n\r\n${first}`);
      });
      const opened = await openAll(server.port, 2);
      await waitFor("both messages", () => opened.counts().messages === 2);
      assert.deepEqual(opened.digests().slice(0, 3), opened.digests().slice(3));
    });

    it("latency - is recorded for every message if no run is given, and nothing is counted", async () => {
      server = await ScriptedServer.start((socket) => socket.write(HEAD + chunk(`{"sentUs":${nowUs()}}\n`)));
      const opened = await openAll(server.port, 1, { run: "" });
      const latency = new Latency();
      await waitFor("a latency", () => {
        opened.drainLatency(latency);
        return latency.count === 1;
      });
      assert.equal(opened.counts().messages, 0);
    });

    const endings: readonly (readonly [string, string, Partial<StreamEnd>])[] = [
      [
        "a full server",
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n",
        { reason: "status", detail: "503", retryAfterMs: 7_000, wasOpen: false },
      ],
      [
        "no such path",
        "HTTP/1.1 404 Not Found\r\n\r\n",
        { reason: "status", detail: "404", retryAfterMs: 0 },
      ],
      ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", { reason: "broken", wasOpen: false }],
      ["the last chunk", `${HEAD}2\r\nhi\r\n0\r\n\r\n`, { reason: "complete", wasOpen: true }],
      ["a chunk without a size", `${HEAD}2\r\nhi\r\nhello\r\n`, { reason: "broken", wasOpen: true }],
      ["a chunk longer than it says", `${HEAD}2\r\nhigh\r\n`, { reason: "broken", wasOpen: true }],
    ];
    for (const [what, answer, end] of endings) {
      it(`${what} - ends the stream with its reason, and frees the descriptor`, async () => {
        server = await ScriptedServer.start((socket) => socket.write(answer));
        const opened = await openAll(server.port, 1);
        await waitFor("the end", () => ends.length > 0);
        assert.deepEqual({ ...ends[0], ...end }, ends[0]);
        assert.deepEqual([opened.counts().active, opened.counts().opening], [0, 0]);
        await server.untilEnded(1);
      });
    }

    it("connection that the server cuts - is distinguished from an end, and may be opened again", async () => {
      server = await ScriptedServer.start((socket, _id, nth) => {
        if (nth === 1) socket.end(`${HEAD}2\r\nhi\r\n`);
        else socket.write(`${HEAD}2\r\nho\r\n`);
      });
      const opened = await openAll(server.port, 1);
      await waitFor("the end", () => ends.length > 0);
      assert.deepEqual([ends[0]?.reason, ends[0]?.wasOpen], ["cut", true]);
      opened.open(0);
      await waitFor("it to be open again", () => opened.counts().chunks === 2);
      assert.deepEqual([opened.counts().active, opened.counts().reopened], [1, 1]);
    });

    it("refused connection - is reported with the name of the error, for each stream", async () => {
      const opened = await openAll(await anyFreePort("127.0.0.1"), 20);
      await waitFor("the errors", () => ends.length === 20);
      assert.deepEqual(
        new Set(ends.map(({ reason, detail }) => `${reason} ${detail}`)),
        new Set(["error ECONNREFUSED"]),
      );
      assert.equal(opened.counts().opening, 0);
    });

    it("sources - are used in turn, and requests contain the given headers", async () => {
      server = await ScriptedServer.start((socket) => socket.write(HEAD));
      const sources = ["127.0.77.1", "127.0.77.2", "127.0.77.3"];
      const opened = await openAll(server.port, 6, {
        sources,
        firstSource: 1,
        sourceStep: 2,
        headers: "Accept: text/x\r\n",
      });
      await waitFor("all to be open", () => opened.counts().active === 6);
      const from = [...server.sockets].sort(([a], [b]) => a - b).map(([, socket]) => socket.remoteAddress);
      assert.deepEqual(
        from,
        [1, 0, 2, 1, 0, 2].map((index) => sources[index]),
      );
      for (const request of server.requests)
        assert.match(
          request,
          /^GET \/test\/\d HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nAccept: text\/x\r\n\r\n$/,
        );
    });

    it("IPv6 address - is accepted", async (test) => {
      server = await ScriptedServer.start((socket) => socket.write(HEAD), "::1").catch(() => undefined);
      if (server === undefined) return test.skip("no IPv6 on this machine");
      const plan: TargetPlan = { kind: "listed", urls: [`http://[::1]:${server.port}/test/0`] };
      const opened = await openAll(0, 1, { targets: await resolveTargets(plan, 0), sources: ["::1"] });
      await waitFor("it to be open", () => opened.counts().active === 1);
      assert.match(server.requests[0] ?? "", /^GET \/test\/0 HTTP\/1\.1\r\nHost: \[::1\]:\d+\r\n\r\n$/);
    });

    it("close - ends every connection and reports none", async () => {
      server = await ScriptedServer.start((socket) => socket.write(HEAD));
      const opened = await openAll(server.port, 10);
      await waitFor("all to be open", () => opened.counts().active === 10);
      opened.close();
      opened.close();
      await server.untilEnded(10);
      assert.deepEqual(ends, []);
    });
  });
}
