// The deployment on a lab of hosts, started on this machine by infra/lab/e2e. It takes several minutes and
// root, so it runs only with RUN_LAB=1.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../lib/project.ts";

const skip = process.env.RUN_LAB === "1" ? false : "RUN_LAB=1 runs it (root, five minutes)";

describe("lab", () => {
  it("end to end - passes and leaves nothing behind", { skip, timeout: 1_800_000 }, async () => {
    const child = spawn(join(projectRoot, "infra", "lab", "e2e"), {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const [code] = (await once(child, "exit")) as [number | null];
    assert.equal(code, 0);
  });
});
