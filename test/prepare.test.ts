// The list of Debian packages that `npm test` would install.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";

describe("packages for tests", () => {
  it("list - names each missing package and what is skipped without it", () => {
    const script = join(projectRoot, "scripts", "test-packages.mjs");
    const { status, stderr } = spawnSync(process.execPath, [script], { env: { PATH: "" }, encoding: "utf8" });
    assert.equal(status, 0);
    assert.match(stderr, /^encke: {3}chromium +without it, the tests of the live page are skipped$/m);
    assert.match(stderr, /^encke: {3}ansible-core +without it, playbooks are not checked$/m);
    assert.doesNotMatch(stderr, /mmdebstrap/, "only the lab needs it");
  });
});
