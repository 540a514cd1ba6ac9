// The import rules: which folder may import which, and through which public API; and that the edge's app
// depends on web standards only.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";

/** Folder → folders that it may import besides itself. Its tests may also import test/support/. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  broker: ["lib"],
  graph: ["broker", "lib"],
  edge: ["broker", "lib"],
  cli: ["broker", "graph", "edge", "lib"],
  infra: ["broker", "lib"],
  load: ["broker", "graph", "edge", "lib"],
  bench: ["broker", "graph", "edge", "lib", "load", "test"],
  test: ["broker", "graph", "edge", "lib", "load"],
};
/**
 * The public API of each folder: the only files that other folders may import. `lib` consists of leaf code,
 * of which every file is public.
 */
const DOOR = /^(broker\/(index|contract)\.ts|(graph|edge|load)\/index\.ts|lib\/.*|test\/support\/.*)$/;
/**
 * Imports that bypass a public API, with the reason. An exception that is no longer needed fails the test.
 */
const EXCEPTIONS: readonly { readonly from: string; readonly to: RegExp; readonly why: string }[] = [
  {
    from: "cli/load-commands.ts",
    to: /^load\/commands\/index\.ts$/,
    why: "it mounts the commands of load/ if that workspace is installed: the import happens at run time",
  },
  {
    from: "load/flood/readers.test.ts",
    to: /^edge\/formats\//,
    why: "the flood's parser is tested with the bytes that the edge's formats produce",
  },
  {
    from: "test/support/assembled-edge.ts",
    to: /^edge\/(assemble|formats\/(format|ndjson)|pool\/(pool|web\/web-pool))\.ts$/,
    why: "the edge's own tests use it: the parts of an edge without a server",
  },
  {
    from: "test/support/deployed-broker.ts",
    to: /^infra\/(secrets\/secrets|topology\/topology)\.ts$/,
    why: "infra is a command without a public API; this builds what a deployment would receive",
  },
  {
    from: "test/support/rendered-nats.ts",
    to: /^infra\/(secrets\/secrets|topology\/(inventory|shares|topology))\.ts$/,
    why: "likewise",
  },
  {
    from: "bench/graph-parse.ts",
    to: /^graph\/load\/follow-parser\.ts$/,
    why: "it measures the parser alone",
  },
  {
    from: "bench/graph-replay.ts",
    to: /^graph\/(history\/(history|row)|replay\/(page-reader|recipient))\.ts$/,
    why: "it measures finding and reading what a reader missed, without a broker",
  },
  {
    from: "bench/graph-history.ts",
    to: /^graph\/history\/(history|row)\.ts$/,
    why: "it measures the history alone",
  },
];

/**
 * The files that may read the wall clock, with the reason. The wall clock can be set at any time, so all
 * timing (silence, age, stalls, waits, deadlines) uses `performance.now()` or timers. A file that no longer
 * reads the clock fails the test.
 */
const WALL_CLOCK: Readonly<Record<string, string>> = {
  "broker/cursor-clock.ts": "cursors of several edges sort by time; positions decide what is replayed",
  "bench/graph-history.ts": "the time of an event",
  "broker/reconnecting.ts": "guards against the client library, which times its attempts with the wall clock",
  "broker/service.ts": "the time when a service started",
  "edge/auth.ts": "a token's claims are dates",
  "edge/node/server.ts": "the Date header of a response",
  "edge/page/refusal.ts": "a date in Retry-After, if the reply has no Date of its own",
  "edge/pool/conformance/served-pool.ts": "the end of a token, in tests",
  "edge/pool/stream-pool.ts": "the end of a token",
  "edge/routes/session.ts": "a cookie ends with its token",
  "edge/pool/native/src/pool_time.cc": "the end of a token",
  "graph/audit/audit-log.test.ts": "compares with stored times",
  "graph/backup/backup.ts": "the name of a backup",
  "graph/fanout/catch-ups.test.ts": "compares with stored times",
  "graph/graph-store.ts": "an epoch that never goes back, and the time of a change in the audit",
  "graph/history/epoch.ts": "the first epoch of a history",
  "graph/history/history.test.ts": "compares with stored times",
  "graph/history/history.ts": "the start of a run, and the time of a hole",
  "graph/history/restart-hole.test.ts": "compares with stored times",
  "graph/history/restart-hole.ts": "a noted time that lies in the future is not believed",
  "graph/service.test.ts": "compares with the times in holes",
  "graph/history/message-ids.ts": "the age of stored message ids at a start",
  "graph/history/upkeep.ts": "the age of stored events, and when the service was listening",
  "graph/intake/core-intake.test.ts": "the age of stored events",
  "graph/intake/core-intake.ts": "the time of an event",
  "graph/intake/stream-intake.ts": "the time of an event that is lost",
  "graph/intake/stream-starts.ts": "the number of a new epoch",
  "graph/service.ts": "how long the service was down",
  "edge/http/refusal.ts": "the Date header of a response",
  "test/architecture.test.ts": "names the functions that read it",
};
const READS_WALL_CLOCK =
  /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(\)|CLOCK_REALTIME|gettimeofday|system_clock|[^\w.]time\((?:NULL|nullptr|0)\)/;

/** Programs outside cli/, which may end their process. */
const PROGRAMS: ReadonlySet<string> = new Set(["load/flood/worker.ts"]);

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

/**
 * Returns source without comments, approximately: a string that looks like a comment loses its rest, which
 * hides nothing that reads a clock.
 */
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
    it(`${folder} - imports only ${["itself", ...allowed].join(", ")}, and only public APIs`, () => {
      for (const path of filesOf(folder)) {
        for (const specifier of importsOf(path).filter((name) => name.startsWith("."))) {
          const target = resolve(path, specifier);
          const imported = target.split("/")[0] ?? "";
          if (imported === folder) continue;
          const exception = EXCEPTIONS.find(({ from, to }) => from === path && to.test(target));
          if (exception !== undefined) {
            used.add(exception.from);
            continue;
          }
          const mayImport = allowed.includes(imported) || (isTest(path) && imported === "test");
          assert.ok(
            mayImport,
            `${path} imports ${target}: ${folder} may import ${allowed.join(", ") || "nothing"}`,
          );
          assert.ok(
            DOOR.test(target),
            `${path} imports ${target}, which is not public: export it from ${imported}/index.ts`,
          );
        }
      }
    });
  }

  it("exceptions - are all still needed", () => {
    assert.deepEqual(
      EXCEPTIONS.filter(({ from }) => !used.has(from)),
      [],
    );
  });

  it("files - have no import cycles, types included", () => {
    const done = new Set<string>();
    const visit = (path: string, way: readonly string[]): void => {
      assert.ok(
        !way.includes(path),
        `an import cycle: ${[...way.slice(way.indexOf(path)), path].join(" → ")}`,
      );
      if (done.has(path)) return;
      for (const specifier of importsOf(path).filter((name) => /^\..*\.ts$/.test(name)))
        visit(resolve(path, specifier), [...way, path]);
      done.add(path);
    };
    for (const folder of Object.keys(MAY_IMPORT)) for (const path of filesOf(folder)) visit(path, []);
    assert.ok(done.size > 300);
  });

  it("the edge's app - imports only web standards, Hono and jose, directly or indirectly", () => {
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

  it("the wall clock - is read only by the listed files; all timing uses the monotonic clock", () => {
    const readers = Object.keys(MAY_IMPORT)
      .flatMap((folder) => [...filesOf(folder), ...nativeFilesOf(folder)])
      .filter((path) =>
        READS_WALL_CLOCK.test(withoutComments(readFileSync(join(projectRoot, path), "utf8"))),
      );
    assert.deepEqual(readers.sort(), Object.keys(WALL_CLOCK).sort());
  });

  it("branded names - are created only by broker/names.ts", () => {
    const brands = Object.keys(MAY_IMPORT)
      .flatMap(filesOf)
      .filter(isProduct)
      .filter((path) => /\bas (Topic|UserId)\b/.test(readFileSync(join(projectRoot, path), "utf8")));
    assert.deepEqual(brands, ["broker/names.ts"]);
  });

  it("argv, process.exit and the environment - are used only by programs", () => {
    for (const folder of ["lib", "broker", "graph", "edge", "load"]) {
      for (const path of filesOf(folder).filter((name) => isProduct(name) && !PROGRAMS.has(name))) {
        const source = readFileSync(join(projectRoot, path), "utf8");
        assert.doesNotMatch(source, /process\.(exit\(|argv|env)/, path);
      }
    }
  });
});

/** Returns the imports that remain after types are erased. */
function runtimeImportsOf(source: string): string[] {
  return [...source.matchAll(/^(?:import|export)\s(?!type\b)([^;]*?)from "([^"]+)";/gm)]
    .filter(([, names = ""]) => !/^\{\s*(type\s[^,}]+,?\s*)+\}\s*$/.test(names))
    .map((match) => match[2] ?? "");
}
