// What `npm run check` checks (format, lint with floating promises, unused code), and the format of C++ and
// C.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";

/** Exit code of scripts/clang-format.mjs if there is no clang-format. */
const NO_CLANG_FORMAT = 3;

describe("lint", () => {
  for (const [tool, ...args] of [["biome", "check", "--error-on-warnings", "."], ["knip"]] as const) {
    it(`${tool} - reports nothing`, () => {
      const command = join(projectRoot, "node_modules", ".bin", tool);
      const { status, stdout, stderr } = spawnSync(command, args, { cwd: projectRoot, encoding: "utf8" });
      assert.equal(status, 0, stdout + stderr);
    });
  }

  it("clang-format - would change no C++ or C file", (t) => {
    const script = join(projectRoot, "scripts", "clang-format.mjs");
    const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
    if (status === NO_CLANG_FORMAT) return t.skip(stderr.trim());
    assert.equal(status, 0, stderr);
  });
});
