import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { waitFor } from "../test/support/wait-for.ts";
import { endChild, Restarts } from "./restarts.ts";

/** Notes the reasons and waits of restarts; `start` fails as often as asked, and then succeeds. */
function createRestarts(failures = 0) {
  const reasons: string[] = [];
  const waits: number[] = [];
  let starts = 0;
  const restarts = new Restarts({
    async start() {
      starts += 1;
      if (starts <= failures) throw new Error(`failure ${starts}`);
    },
    onRestart(reason, waitMs) {
      reasons.push(reason);
      waits.push(waitMs);
    },
  });
  return { restarts, reasons, waits, starts: () => starts };
}

const LONG_MS = 60_000;

describe("restarts", () => {
  it("an end - is followed by a start, after a short wait", async () => {
    const { restarts, reasons, waits, starts } = createRestarts();
    restarts.schedule(0, "exit 1");
    assert.equal(starts(), 0);
    await waitFor("the start", () => starts() === 1);
    assert.deepEqual(reasons, ["exit 1"]);
    assert.ok((waits[0] ?? 0) <= 100);
    assert.equal(restarts.count, 1);
  });

  it("a start that fails - is tried again, after longer waits", async () => {
    const { restarts, reasons, waits, starts } = createRestarts(2);
    restarts.schedule(LONG_MS, "exit 1");
    await waitFor("a start that succeeds", () => starts() === 3);
    assert.deepEqual(reasons, ["exit 1", "Error: failure 1", "Error: failure 2"]);
    assert.ok((waits[1] ?? 0) >= 100 && (waits[2] ?? 0) >= 200, String(waits));
  });

  it("a long life before the end - makes the wait short again", () => {
    const { restarts, waits } = createRestarts();
    for (let end = 0; end < 4; end += 1) restarts.schedule(0, "exit 1");
    restarts.schedule(LONG_MS, "exit 1");
    restarts.stop();
    assert.ok((waits[3] ?? 0) >= 400 && (waits[4] ?? 0) <= 100, String(waits));
  });

  it("stop - cancels what is scheduled, and what is scheduled later", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { restarts, starts } = createRestarts();
    restarts.schedule(LONG_MS, "exit 1");
    restarts.stop();
    restarts.schedule(LONG_MS, "exit 1");
    t.mock.timers.tick(60_000);
    assert.equal(starts(), 0);
    assert.equal(restarts.count, 1);
  });
});

describe("end of a child", () => {
  it("a child that ends when asked - is not killed", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume().on('end', () => process.exit(7))"]);
    const exit = once(child, "exit");
    await endChild(child, () => child.stdin.end(), { killMs: 60_000, event: "close" });
    assert.deepEqual(await exit, [7, null]);
  });

  it("a child that ignores the request - is killed", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1_000)"]);
    const exit = once(child, "exit");
    await endChild(child, () => {}, { killMs: 10, event: "exit" });
    assert.deepEqual(await exit, [null, "SIGKILL"]);
  });
});
