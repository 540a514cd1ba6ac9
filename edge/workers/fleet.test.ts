// Tests the supervisor with real processes, whose program each test writes. Encke's own worker program is
// tested in test/workers.test.ts and test/worker-metrics.test.ts.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { pino } from "pino";
import { childrenOf } from "../../lib/processes.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import type { EdgeConfig } from "../config.ts";
import { EdgeFleet } from "./fleet.ts";

/** The statements that the workers of a test run for each message. */
interface Program {
  readonly start?: string;
  readonly metrics?: string;
  readonly drain?: string;
}

const LISTEN = `
  send({ type: "listening", port: config.listen.port });
  send({ type: "status", notReady: null });`;
const REPORT = `
  const opened = { name: "opened_total", help: "h", type: "counter", values: [{ value: 3, labels: {} }] };
  send({ type: "metrics", metrics: [{ ...opened, aggregator: "sum" }] });`;
const EXIT = "process.exit(0);";

/**
 * Writes a program in a separate folder. `first(name)` is true in the first of its processes that calls it.
 */
function programOf({ start = LISTEN, metrics = REPORT, drain = EXIT }: Program): string {
  const folder = tempDir();
  const path = join(folder, "program.mjs");
  writeFileSync(
    path,
    `import { appendFileSync, mkdirSync } from "node:fs";
     const send = (message) => process.send?.(message);
     const first = (name) => {
       try {
         mkdirSync(${JSON.stringify(folder)} + "/" + name);
         return true;
       } catch {
         return false;
       }
     };
     process.on("message", ({ type, config }) => {
       if (type === "start") { ${start} }
       else if (type === "metrics") { ${metrics} }
       else { ${drain} }
     });
     send({ type: "loaded" });`,
  );
  return path;
}

const CONFIG: EdgeConfig = {
  listen: { host: "127.0.0.1", port: 0 },
  nats: { url: "nats://127.0.0.1" },
  fanout: "subject",
  pool: "native", // workers are then plain child processes, with or without the addon
  jwtKey: undefined,
  allowAnonymous: false,
  allowPublish: undefined,
  corsOrigins: [],
  maxStreams: 1,
  maxStreamsPerUser: 1,
  maxStreamAgeMs: 0,
  heartbeatMs: 1_000,
  readerTimeoutMs: 1_000,
  drainMs: 100,
  logLevel: "silent",
};

describe("the fleet of edge workers", () => {
  const fleets: EdgeFleet[] = [];
  const lines: string[] = [];
  const fleetOf = (program: string, { workers = 1, port = 0 } = {}): EdgeFleet => {
    const config = { ...CONFIG, listen: { host: "127.0.0.1", port } };
    const log = pino({ level: "warn" }, { write: (line) => void lines.push(line) });
    const fleet = new EdgeFleet({ config, workers, program, alongside: async () => [], log });
    fleets.push(fleet);
    return fleet;
  };
  const openedOf = async (fleet: EdgeFleet): Promise<number> =>
    Number(/^opened_total (\d+)$/m.exec(await fleet.metrics())?.[1]);

  afterEach(async () => {
    lines.length = 0;
    await Promise.all(fleets.splice(0).map((fleet) => fleet.stop()));
    assert.deepEqual(childrenOf(process.pid), []);
  });

  it("start - gives every worker one port and returns it", async () => {
    const ports = join(tempDir(), "ports");
    const note = `appendFileSync(${JSON.stringify(ports)}, config.listen.port + "\\n");`;
    const fleet = fleetOf(programOf({ start: note + LISTEN }), { workers: 3 });
    const port = await fleet.start();
    assert.equal(fleet.size, 3);
    assert.deepEqual(readFileSync(ports, "utf8"), `${port}\n`.repeat(3));
  });

  it("readiness - comes with the first ready worker and goes with the last", async () => {
    const program = programOf({
      start: `${LISTEN} if (!first("ready")) send({ type: "status", notReady: "NATS is away" });`,
      metrics: `${REPORT} send({ type: "status", notReady: "the graph is away" });`,
    });
    const fleet = fleetOf(program, { workers: 2 });
    assert.equal(fleet.notReady, "no worker is running");
    await fleet.start();
    await waitFor("the fleet to be ready", () => fleet.notReady === undefined);
    await fleet.metrics();
    await waitFor("the fleet not to be ready", () => fleet.notReady === "the graph is away");
    const stopped = fleet.stop();
    assert.equal(fleet.notReady, "draining");
    await stopped;
  });

  it("readiness - does not come before every worker listens", async () => {
    const listen = `send({ type: "status", notReady: null }); send({ type: "listening", port: config.listen.port });`;
    const program = programOf({
      start: `if (first("listens")) { ${listen} } else { globalThis.config = config; }`,
      metrics: `${REPORT} const { config } = globalThis; if (config !== undefined) { ${listen} }`,
    });
    const fleet = fleetOf(program, { workers: 2 });
    const started = fleet.start();
    await waitFor("the second worker", () => fleet.size === 2);
    assert.equal(fleet.notReady, "starting");
    await waitFor("the fleet to be ready", async () => {
      await fleet.metrics(); // which makes the second worker listen
      return fleet.notReady === undefined;
    });
    await started;
  });

  it("worker that cannot start - fails the start with its own code and text", async () => {
    const fail = `send({ type: "failed", code: "BAD_CONFIG", message: "what is wrong" });`;
    const fleet = fleetOf(programOf({ start: `if (first("ok")) { ${LISTEN} } else { ${fail} }` }), {
      workers: 2,
    });
    await assert.rejects(fleet.start(), { code: "BAD_CONFIG", message: "what is wrong" });
    assert.equal(fleet.size, 0);
  });

  it("worker that exits before it listens - fails the start with its exit code", async () => {
    await assert.rejects(fleetOf(programOf({ start: "process.exit(3);" })).start(), {
      code: "WORKER_FAILED",
      message: /ended \(exit 3\) before it listened/,
    });
  });

  it("chosen free port that is taken in the meantime - is replaced by another, unlike a given port", async () => {
    const taken = `send({ type: "failed", code: "ADDRESS_TAKEN", message: "taken" }); process.exit(1);`;
    assert.ok(
      (await fleetOf(programOf({ start: `if (first("try")) { ${taken} } else { ${LISTEN} }` })).start()) > 0,
    );
    const { port, close } = await listener();
    close();
    await assert.rejects(fleetOf(programOf({ start: taken }), { port }).start(), { code: "ADDRESS_TAKEN" });
  });

  it("port on which another process listens - is refused before a worker starts", async () => {
    const { port, close } = await listener();
    const program = programOf({ start: `first("started"); ${LISTEN}` });
    await assert.rejects(fleetOf(program, { port }).start(), { code: "ADDRESS_TAKEN", message: /--port/ });
    assert.ok(!existsSync(join(program, "..", "started")));
    close();
  });

  it("worker that crashes - is replaced, and its last counts stay in the sum", async () => {
    const program = programOf({
      metrics: `${REPORT} if (first("crash")) process.kill(process.pid, "SIGKILL");`,
    });
    const fleet = fleetOf(program);
    await fleet.start();
    assert.equal(await openedOf(fleet), 3);
    await waitFor("another worker", () => fleet.restarts === 1 && fleet.notReady === undefined);
    assert.equal(await openedOf(fleet), 6);
    assert.equal(fleet.size, 1);
  });

  it("replacement that cannot start - is retried after a wait that doubles", async () => {
    const crash = `${LISTEN} setImmediate(() => process.exit(1));`;
    const fleet = fleetOf(programOf({ start: `if (first("run")) { ${crash} } else process.exit(1);` }));
    await fleet.start();
    await waitFor("four restarts", () => fleet.restarts === 4);
    const waits = lines.map((line) => (JSON.parse(line) as { waitMs: number }).waitMs);
    assert.deepEqual(
      waits.map((waitMs, nth) => waitMs >= 50 * 2 ** nth && waitMs <= 100 * 2 ** nth),
      [true, true, true, true],
      waits.join(),
    );
  });

  it("worker that does not report - keeps its last counts, and delays the page by two seconds", async () => {
    const fleet = fleetOf(programOf({ metrics: `if (first("report")) { ${REPORT} }` }));
    await fleet.start();
    assert.equal(await openedOf(fleet), 3);
    const startedAt = performance.now();
    assert.deepEqual(await Promise.all([openedOf(fleet), openedOf(fleet)]), [3, 3]);
    const ms = performance.now() - startedAt;
    assert.ok(ms >= 1_990 && ms < 15_000, `${ms} ms`);
  });

  it("worker that does not drain - is killed five seconds after the deadline", async () => {
    const fleet = fleetOf(programOf({ drain: "" }));
    await fleet.start();
    const startedAt = performance.now();
    await fleet.stop();
    assert.ok(performance.now() - startedAt >= 5_090);
    assert.equal(fleet.restarts, 0);
  });

  it("stop during the start - ends the workers that have not listened yet", async () => {
    const fleet = fleetOf(programOf({ start: "" }));
    const starting = fleet.start();
    await Promise.all([fleet.stop(), assert.rejects(starting, { code: "WORKER_FAILED" })]);
  });
});

async function listener(): Promise<{ port: number; close(): void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
