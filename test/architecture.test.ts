// The house's walls: who may import whom, and that the edge's app runs anywhere.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";

/** Folder → folders it may import beside itself. Tests stand outside of this. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  broker: ["lib"],
  graph: ["broker", "lib"],
  edge: ["broker", "lib"],
  cli: ["broker", "graph", "edge", "lib"],
  infra: ["broker", "lib"],
};
/** A room's public lists: all that other rooms may import of it. `lib` is leaf code, file by file. */
const PUBLIC = /^(broker\/(index|contract)|graph\/index|edge\/index)\.ts$/;

const isProduct = (path: string): boolean =>
  path.endsWith(".ts") && !/(\.test|conformance.*|\.d)\.ts$/.test(path) && !path.includes("conformance/");

function filesOf(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name}`)
    .filter(isProduct);
}

function importsOf(path: string): string[] {
  const source = readFileSync(join(projectRoot, path), "utf8");
  return [
    ...source.matchAll(/^(?:import|export)\s[^;]*?from "([^"]+)";|^import "([^"]+)";|import\("([^"]+)"\)/gm),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

const resolve = (path: string, specifier: string): string => normalize(join(dirname(path), specifier));

describe("architecture", () => {
  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    it(`${folder} - imports only ${["itself", ...allowed].join(", ")}, and rooms by their public lists`, () => {
      for (const path of filesOf(folder)) {
        for (const specifier of importsOf(path).filter((name) => name.startsWith("."))) {
          const target = resolve(path, specifier);
          const room = target.split("/")[0] ?? "";
          if (room === folder) continue;
          assert.ok(allowed.includes(room), `${path} imports ${target}`);
          assert.ok(room === "lib" || PUBLIC.test(target), `${path} imports ${target}, not a public list`);
        }
      }
    });
  }

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

  it("argv, process.exit and the environment - are the command's alone", () => {
    for (const folder of ["lib", "broker", "graph", "edge"]) {
      for (const path of filesOf(folder)) {
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
