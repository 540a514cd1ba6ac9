// The package as it is published: packed, installed into an empty folder, type-checked there by both ways of
// resolving modules, and run; its size; and its memory after many reconnects.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { projectRoot } from "../../lib/project.ts";
import { ScriptedServer } from "../support/scripted-server.ts";
import { tempDir } from "../support/temp-dir.ts";

const run = promisify(execFile);
const TSC = join(projectRoot, "node_modules", "typescript", "bin", "tsc");
const MAX_BUNDLE_BYTES = 4_096;
const RECONNECTS = 1_000;
const MAX_GROWTH_BYTES = 1_000_000;

const STREAM = [
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n",
  "id: c0\nevent: welcome\ndata: {}\n\n",
].join("");

/** Uses every export, as an application would. */
const PROGRAM = `
import { EnckeError, type EnckeStream, follow, type FollowOptions, LostError, RefusedError } from "encke-client";
import { type Goodbye, type Resync, signIn, signOut, type StreamEvent, type TokenSource } from "encke-client";
import { type StreamEventMap, type StreamState } from "encke-client";

declare const process: { readonly argv: readonly string[] }; // no types of Node are needed
const token: TokenSource = async () => "token";
const options: FollowOptions = { token, user: "7", format: "sse", signal: new AbortController().signal };
const stream: EnckeStream = follow(process.argv[2] ?? "", options);
const losses: string[] = [];
stream.addEventListener("lost", ({ detail }) => losses.push(detail instanceof LostError ? detail.code : ""));
stream.addEventListener("resync", ({ detail }: CustomEvent<Resync>) => detail.since?.length);
stream.addEventListener("goodbye", ({ detail }: CustomEvent<Goodbye>) => detail.reason.length);
const closes: StreamEventMap["close"][] = [];
stream.addEventListener("close", (close) => closes.push(close));
// @ts-expect-error an event of another name does not exist
stream.addEventListener("message", () => {});
// @ts-expect-error the public way does not take what tests set
follow("https://host/stream", { speed: 2 });

const isRefused = (error: unknown): boolean => error instanceof RefusedError && error instanceof EnckeError;
for await (const event of stream) {
  const { id, topic, data }: StreamEvent = event;
  const state: StreamState = stream.state;
  console.log(JSON.stringify({ id, topic, data, state, cursor: stream.cursor, losses }));
  break;
}
await signIn(process.argv[2] ?? "", "token").catch((error) => console.log(isRefused(error), error.status));
await signOut(process.argv[2] ?? "").catch((error) => console.log(isRefused(error), error.message));
`;

/** Reconnects many times between two measurements of the heap; prints the growth in bytes. */
const HEAP_PROGRAM = `
import { EnckeStream } from "encke-client";

const [, , url, reconnects] = process.argv;
let opened = 0;
let wanted = 0;
let onOpened = () => {};
const streams = Array.from({ length: 4 }, () => {
  const stream = new EnckeStream(url, { speed: 5_000, random: () => 0 });
  stream.addEventListener("open", () => {
    opened += 1;
    if (opened >= wanted) onOpened();
  });
  stream.addEventListener("event", () => {});
  return stream;
});

const open = (count) => new Promise((resolve) => {
  wanted = opened + count;
  onOpened = resolve;
});
/** The least of several, because a connection is always on its way. */
const heapBytes = async () => {
  let least = Infinity;
  for (let nth = 0; nth < 5; nth += 1) {
    await open(20);
    gc();
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
};
await open(700); // until code is compiled, and what is kept has been made
const before = await heapBytes();
await open(Number(reconnects));
const after = await heapBytes();
for (const stream of streams) stream.close();
console.log(JSON.stringify({ opened, growth: after - before }));
`;

describe("the package", { concurrency: true }, () => {
  const folder = tempDir();
  const compiled = (resolution: string): string => join(folder, "dist", resolution, "program.js");
  let packed: readonly string[] = [];

  before(async () => {
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: join(projectRoot, "client"),
    });
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    packed = files.map(({ path }) => path).sort();
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: "empty", type: "module", private: true }),
    );
    const install = ["install", "--offline", "--no-audit", "--no-fund", join(folder, filename)];
    await run("npm", install, { cwd: folder });
    writeFileSync(join(folder, "program.ts"), PROGRAM);
    writeFileSync(join(folder, "heap.mjs"), HEAP_PROGRAM);
  });

  it("its files - are the manifest, the license, and modules with types, without tests", () => {
    const others = packed.filter((path) => !/^dist\/[a-z-]+\.(js|d\.ts)$/.test(path));
    assert.deepEqual(others, ["LICENSE", "README.md", "package.json"]);
    assert.deepEqual(
      packed.filter((path) => path.includes("test")),
      [],
    );
    for (const path of ["dist/index.js", "dist/index.d.ts", "dist/encke-client.js"])
      assert.ok(packed.includes(path), path);
  });

  it("its installation - brings no other package", () => {
    const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
    assert.deepEqual(Object.keys(lock.packages), ["", "node_modules/encke-client"]);
  });

  it(`its bundle - has at most ${MAX_BUNDLE_BYTES} bytes, gzipped, and the same exports`, async () => {
    const path = join(folder, "node_modules", "encke-client", "dist", "encke-client.js");
    const bytes = gzipSync(readFileSync(path), { level: 9 }).length;
    assert.ok(bytes <= MAX_BUNDLE_BYTES, `${bytes} bytes`);
    const bundle = (await import(path)) as object;
    const modules = (await import("encke-client")) as object;
    assert.deepEqual(Object.keys(bundle).sort(), Object.keys(modules).sort());
  });

  for (const [module, resolution] of [
    ["node16", "node16"],
    ["es2022", "bundler"],
  ] as const)
    it(`a program - passes tsc --strict with moduleResolution ${resolution}, and runs in Node`, async () => {
      const flags = ["--strict", "--target", "es2022", "--lib", "es2022,dom", "--outDir"];
      const how = ["--module", module, "--moduleResolution", resolution];
      await run(process.execPath, [TSC, ...flags, join(folder, "dist", resolution), ...how, "program.ts"], {
        cwd: folder,
      }).catch((error: { stdout: string }) => assert.fail(error.stdout));
      const event = 'id: c1\ndata: {"id":"1","topic":"42","time":"","data":{"n":1}}\n\n';
      const server = await ScriptedServer.start((socket, _, nth) => {
        if (nth === 1)
          socket.end(STREAM); // so it is lost once
        else if (nth === 2) socket.write(`${STREAM}${event}`);
        else socket.end('HTTP/1.1 401 No\r\nConnection: close\r\n\r\n{"message":"sign in first"}');
      });
      try {
        const url = `http://127.0.0.1:${server.port}/stream`;
        const { stdout } = await run(process.execPath, [compiled(resolution), url]);
        const [line = "", ...refusals] = stdout.trim().split("\n");
        const expected = {
          id: "1",
          topic: "42",
          data: { n: 1 },
          state: "open",
          cursor: "c1",
          losses: ["ENDED"],
        };
        assert.deepEqual(JSON.parse(line), expected);
        assert.deepEqual(refusals, ["true 401", "true sign in first"]);
        assert.match(server.requests[1] ?? "", /^GET \/stream\?user=7&last_event_id=c0 HTTP/);
        assert.match(server.requests[0] ?? "", /^authorization: Bearer token\r$/im);
      } finally {
        server.stop();
      }
    });

  it(`${RECONNECTS} reconnects - leave the heap as it was, within ${MAX_GROWTH_BYTES} bytes`, async (t) => {
    const server = await ScriptedServer.start((socket) => socket.end(STREAM));
    try {
      const url = `http://127.0.0.1:${server.port}/stream`;
      const args = ["--expose-gc", join(folder, "heap.mjs"), url, String(RECONNECTS)];
      const { stdout } = await run(process.execPath, args);
      const { opened, growth } = JSON.parse(stdout) as { opened: number; growth: number };
      t.diagnostic(`${growth} bytes after ${opened} connections`);
      assert.ok(opened >= RECONNECTS && server.answered >= opened);
      assert.ok(Math.abs(growth) <= MAX_GROWTH_BYTES, `${growth} bytes`);
    } finally {
      server.stop();
    }
  });
});
