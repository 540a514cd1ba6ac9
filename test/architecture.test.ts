// The house's walls: who may import whom, and by which door; and that the edge's app runs anywhere.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";

/** Folder → folders that it may import beside itself. Its tests may import test/support/ too. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  broker: ["lib"],
  graph: ["broker", "lib"],
  edge: ["broker", "lib"],
  cli: ["broker", "graph", "edge", "lib"],
  infra: ["broker", "lib"],
  bench: ["broker", "graph", "edge", "lib", "test"],
  test: ["broker", "graph", "edge", "lib"],
};
/** A room's doors: all that other rooms may import of it. `lib` is leaf code, file by file. */
const DOOR = /^(broker\/(index|contract)\.ts|(graph|edge)\/index\.ts|lib\/.*|test\/support\/.*)$/;
/** Who goes in elsewhere, and why. One that nobody needs any more fails the test. */
const EXCEPTIONS: readonly { readonly from: string; readonly to: RegExp; readonly why: string }[] = [
  {
    from: "cli/load/readers.test.ts",
    to: /^edge\/formats\//,
    why: "the flood's parser is tested on the bytes that the edge's formats write",
  },
  {
    from: "test/support/worker-death.ts",
    to: /^cli\/load\/(flood-fleet|layout|machine)\.ts$/,
    why: "it asks a flood, while it runs, for more than the command prints",
  },
  {
    from: "test/support/deployed-broker.ts",
    to: /^infra\/(secrets\/secrets|topology\/topology)\.ts$/,
    why: "infra is a command and has no door; this makes what a deployment would get",
  },
  {
    from: "test/support/rendered-nats.ts",
    to: /^infra\/(secrets\/secrets|topology\/(inventory|shares|topology))\.ts$/,
    why: "likewise",
  },
  {
    from: "bench/graph-parse.ts",
    to: /^graph\/load\/follow-parser\.ts$/,
    why: "the parser alone is what it measures",
  },
];

/**
 * The files that may read the wall clock, and why. It can be set at any time, so all timing (silence, age, stalls, waits,
 * deadlines) goes by `performance.now()` or by timers. One that no longer reads it fails the test.
 */
const WALL_CLOCK: Readonly<Record<string, string>> = {
  "broker/reconnecting.ts": "guards against the client library, which times its attempts by the wall clock",
  "edge/auth.ts": "a token's claims are times of the wall clock",
  "edge/fanout/subject.ts": "the time of an event",
  "edge/node/server.ts": "the Date header of a response",
  "edge/page/refusal.ts": "a date in Retry-After, where the reply has none of its own",
  "edge/pool/conformance/served-pool.ts": "the end of a token, for tests",
  "edge/pool/stream-pool.ts": "the end of a token",
  "edge/routes/session.ts": "the lifetime of a cookie ends with its token",
  "edge/pool/native/src/pool_time.cc": "the end of a token",
  "graph/audit/audit-log.test.ts": "compares with stored times",
  "graph/backup/backup.ts": "the name of a backup",
  "graph/fanout/event-entry.ts": "the time of an event",
  "graph/graph-store.ts": "an epoch that never goes back, and the time of a change in the audit",
  "edge/http/refusal.ts": "the Date header of a response",
  "test/architecture.test.ts": "names what reads it",
  "test/support/edge-before-graph.ts": "the time of an event",
};
const READS_WALL_CLOCK =
  /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(\)|CLOCK_REALTIME|gettimeofday|system_clock|[^\w.]time\((?:NULL|nullptr|0)\)/;

const isTest = (path: string): boolean => /(\.test|conformance.*)\.ts$|conformance\//.test(path);
const isProduct = (path: string): boolean => !isTest(path);

function filesOf(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter(
      (name) => name.endsWith(".ts") && !name.endsWith(".d.ts") && !/(^|\/)(node_modules|build)\//.test(name),
    )
    .map((name) => `${folder}/${name}`);
}

function nativeFilesOf(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(cc|h)$/.test(name) && !/(^|\/)(node_modules|build)\//.test(name))
    .map((name) => `${folder}/${name}`);
}

/** Source without comments, roughly: a string that looks like one loses its rest, which hides nothing that reads a clock. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "");
}

function importsOf(path: string): string[] {
  const source = readFileSync(join(projectRoot, path), "utf8");
  return [
    ...source.matchAll(/^(?:import|export)\s[^;]*?from "([^"]+)";|^import "([^"]+)";|import\("([^"]+)"\)/gm),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

const resolve = (path: string, specifier: string): string => normalize(join(dirname(path), specifier));

describe("architecture", () => {
  const used = new Set<string>();
  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    it(`${folder} - imports only ${["itself", ...allowed].join(", ")}, and rooms by their doors`, () => {
      for (const path of filesOf(folder)) {
        for (const specifier of importsOf(path).filter((name) => name.startsWith("."))) {
          const target = resolve(path, specifier);
          const room = target.split("/")[0] ?? "";
          if (room === folder) continue;
          const exception = EXCEPTIONS.find(({ from, to }) => from === path && to.test(target));
          if (exception !== undefined) {
            used.add(exception.from);
            continue;
          }
          const mayImport = allowed.includes(room) || (isTest(path) && room === "test");
          assert.ok(
            mayImport,
            `${path} imports ${target}: ${folder} may import ${allowed.join(", ") || "nothing"}`,
          );
          assert.ok(
            DOOR.test(target),
            `${path} imports ${target}, which is no door: export it from ${room}/index.ts`,
          );
        }
      }
    });
  }

  it("exceptions - are all needed", () => {
    assert.deepEqual(
      EXCEPTIONS.filter(({ from }) => !used.has(from)),
      [],
    );
  });

  it("files - import each other in no circle, types included", () => {
    const done = new Set<string>();
    const visit = (path: string, way: readonly string[]): void => {
      assert.ok(!way.includes(path), `a circle: ${[...way.slice(way.indexOf(path)), path].join(" → ")}`);
      if (done.has(path)) return;
      for (const specifier of importsOf(path).filter((name) => /^\..*\.ts$/.test(name)))
        visit(resolve(path, specifier), [...way, path]);
      done.add(path);
    };
    for (const folder of Object.keys(MAY_IMPORT)) for (const path of filesOf(folder)) visit(path, []);
    assert.ok(done.size > 300);
  });

  it("the edge's app - and all that it imports is web standards, Hono and jose", () => {
    const seen = new Set<string>();
    const visit = (path: string, from: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      const source = readFileSync(join(projectRoot, path), "utf8");
      assert.doesNotMatch(source, /\bprocess\.|\bBuffer\b/, `${path} (from ${from}) uses Node's globals`);
      for (const specifier of runtimeImportsOf(source)) {
        if (specifier.startsWith(".")) visit(resolve(path, specifier), path);
        else assert.match(specifier, /^(hono(\/.*)?|jose)$/, `${path} (from ${from}) imports ${specifier}`);
      }
    };
    visit("edge/app.ts", "the test");
    visit("edge/pool/web/web-pool.ts", "the test");
    assert.ok(seen.size > 20);
  });

  it("the wall clock - is read by few files, each for a reason; timing goes by the monotonic clock", () => {
    const readers = Object.keys(MAY_IMPORT)
      .flatMap((folder) => [...filesOf(folder), ...nativeFilesOf(folder)])
      .filter((path) =>
        READS_WALL_CLOCK.test(withoutComments(readFileSync(join(projectRoot, path), "utf8"))),
      );
    assert.deepEqual(readers.sort(), Object.keys(WALL_CLOCK).sort());
  });

  it("branded names - are created by broker/names.ts alone", () => {
    const brands = Object.keys(MAY_IMPORT)
      .flatMap(filesOf)
      .filter(isProduct)
      .filter((path) => /\bas (Topic|UserId)\b/.test(readFileSync(join(projectRoot, path), "utf8")));
    assert.deepEqual(brands, ["broker/names.ts"]);
  });

  it("argv, process.exit and the environment - are the command's alone", () => {
    for (const folder of ["lib", "broker", "graph", "edge"]) {
      for (const path of filesOf(folder).filter(isProduct)) {
        const source = readFileSync(join(projectRoot, path), "utf8");
        assert.doesNotMatch(source, /process\.(exit\(|argv|env)/, path);
      }
    }
  });
});

/** Imports that are left when types are erased. */
function runtimeImportsOf(source: string): string[] {
  return [...source.matchAll(/^(?:import|export)\s(?!type\b)([^;]*?)from "([^"]+)";/gm)]
    .filter(([, names = ""]) => !/^\{\s*(type\s[^,}]+,?\s*)+\}\s*$/.test(names))
    .map((match) => match[2] ?? "");
}
