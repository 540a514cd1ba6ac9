import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { waitFor } from "../test/support/wait-for.ts";
import { endChild, Restarts } from "./restarts.ts";

/** Records the reasons and delays of restarts. `start` fails the given number of times, and then succeeds. */
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
  it("an end - leads to a start after a short delay", async () => {
    const { restarts, reasons, waits, starts } = createRestarts();
    restarts.schedule(0, "exit 1");
    assert.equal(starts(), 0);
    await waitFor("the start", () => starts() === 1);
    assert.deepEqual(reasons, ["exit 1"]);
    assert.ok((waits[0] ?? 0) <= 100);
    assert.equal(restarts.count, 1);
  });

  it("a failed start - is retried after longer delays", async () => {
    const { restarts, reasons, waits, starts } = createRestarts(2);
    restarts.schedule(LONG_MS, "exit 1");
    await waitFor("a start that succeeds", () => starts() === 3);
    assert.deepEqual(reasons, ["exit 1", "Error: failure 1", "Error: failure 2"]);
    assert.ok((waits[1] ?? 0) >= 100 && (waits[2] ?? 0) >= 200, String(waits));
  });

  it("an end after a long run - makes the delay short again", () => {
    const { restarts, waits } = createRestarts();
    for (let end = 0; end < 4; end += 1) restarts.schedule(0, "exit 1");
    restarts.schedule(LONG_MS, "exit 1");
    restarts.stop();
    assert.ok((waits[3] ?? 0) >= 400 && (waits[4] ?? 0) <= 100, String(waits));
  });

  it("stop - cancels scheduled restarts and ignores later ones", async (t) => {
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

describe("endChild", () => {
  it("child that ends when asked - is not killed", async () => {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume().on('end', () => process.exit(7))"]);
    const exit = once(child, "exit");
    await endChild(child, () => child.stdin.end(), { killMs: 60_000, event: "close" });
    assert.deepEqual(await exit, [7, null]);
  });

  it("child that ignores the request - is killed", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1_000)"]);
    const exit = once(child, "exit");
    await endChild(child, () => {}, { killMs: 10, event: "exit" });
    assert.deepEqual(await exit, [null, "SIGKILL"]);
  });
});
