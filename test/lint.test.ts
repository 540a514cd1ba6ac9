// What `npm run check` checks: format, lint with floating promises, dead code.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";

describe("lint", () => {
  for (const [tool, ...args] of [["biome", "check", "--error-on-warnings", "."], ["knip"]] as const) {
    it(`${tool} - has nothing to say`, () => {
      const command = join(projectRoot, "node_modules", ".bin", tool);
      const { status, stdout, stderr } = spawnSync(command, args, { cwd: projectRoot, encoding: "utf8" });
      assert.equal(status, 0, stdout + stderr);
    });
  }
});
