// Tests of a real bundle: what it contains, and that its command works without the load tools.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { tempDir } from "../../test/support/temp-dir.ts";
import { run } from "../run.ts";
import { makeBundle } from "./bundle.ts";

describe("release bundle", () => {
  const folder = tempDir();
  let files: readonly string[];

  const encke = (...args: string[]) =>
    run(join(folder, "encke"), args, { cwd: folder, accept: [1, 2], timeoutMs: 60_000 });

  before(async () => {
    const bundle = await makeBundle({ name: "test", out: folder });
    files = (await run("tar", ["-tf", bundle])).stdout.trim().split("\n");
    await run("tar", ["-C", folder, "-xf", bundle]);
  });

  it("contents - are the folders of the product, without the load tools and their packages", () => {
    const folders = new Set(
      files.filter((path) => path.startsWith("dist/")).map((path) => path.split("/")[1]),
    );
    assert.deepEqual([...folders].filter(Boolean).sort(), ["broker", "cli", "edge", "graph", "lib"]);
    assert.deepEqual(
      files.filter((path) => /@resvg|@expo-google-fonts|hdr-histogram|@encke\b|\bload\.node$/.test(path)),
      [],
    );
    assert.ok(files.includes("node_modules/hono/package.json"));
  });

  it("encke --help - lists no command of the load tools", async () => {
    const { status, stdout } = await encke("--help");
    assert.equal(status, 0);
    assert.match(stdout, /^ +doctor /m);
    assert.doesNotMatch(stdout, /^ +(flood|msggen|million|memlog|plot|soak) /m);
    assert.doesNotMatch((await encke("graph", "--help")).stdout, /^ +check /m);
  });

  it("a command of the load tools - is an unknown command", async () => {
    const { status, stderr } = await encke("flood");
    assert.equal(status, 2);
    assert.match(stderr, /unknown command 'flood'/);
  });

  it("graph generate - works without the load tools", async () => {
    const { status, stdout } = await encke("graph", "generate", "--users", "20", "--edges", "2");
    assert.equal(status, 0);
    assert.match(stdout, /^\d+ \d+$/m);
  });
});
