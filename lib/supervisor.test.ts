import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kill9 } from "../test/support/kill.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { Backoff } from "./backoff.ts";
import { createLogger } from "./log.ts";
import { Supervisor } from "./supervisor.ts";

const log = createLogger("test", "silent");
const node = (script: string, ready: () => Promise<void> = async () => {}): Supervisor =>
  new Supervisor({ command: process.execPath, args: ["-e", script], log, ready, stopMs: 200 });

describe("supervisor", () => {
  it("child that dies - is restarted", async () => {
    const supervisor = node("setInterval(() => {}, 1000)");
    await supervisor.start();
    const first = supervisor.pid;
    kill9(first);
    await waitFor("another child", () => supervisor.pid !== first && supervisor.restarts === 1);
    await supervisor.stop();
  });

  it("child that cannot start - is an error with its standard error", async () => {
    const dies = node("console.error('no such luck'); process.exit(3)", () => new Promise(() => {}));
    await assert.rejects(dies.start(), { code: "CHILD_FAILED", message: /exit 3.*no such luck/ });
    await dies.stop();
    const missing = new Supervisor({
      command: "/nowhere/program",
      args: [],
      log,
      ready: () => new Promise(() => {}),
      stopMs: 100,
    });
    await assert.rejects(missing.start(), { code: "CHILD_FAILED", message: /cannot be started/ });
    await missing.stop();
  });

  it("stop - kills a child that ignores SIGTERM, and is idempotent", async () => {
    let said = false;
    const deaf = node("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)", async () => {
      said = true;
    });
    await deaf.start();
    assert.ok(said);
    const { pid } = deaf;
    await Promise.all([deaf.stop(), deaf.stop()]);
    assert.ok(pid !== undefined);
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });
});

describe("back-off", () => {
  it("delays - double up to the maximum, with jitter, and start over after a success", () => {
    const backoff = new Backoff(100, 1_000);
    for (const span of [100, 200, 400, 800, 1_000, 1_000]) {
      const wait = backoff.nextMs();
      assert.ok(wait >= span / 2 && wait <= span, `${wait} of ${span}`);
    }
    backoff.reset();
    assert.ok(backoff.nextMs() <= 100);
  });
});
