// Checks streams event by event (`msggen --verify`) while the graph's disk fills, the wall clock is set by an
// hour, and NATS is killed or comes back with a smaller max_payload. No event is lost unless a `resync`
// announced it, each restart of NATS is announced at most once, and no process ends. FAULT_MINUTES=20 runs
// the long form; FAULT_SEED determines which fault happens when.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { BrokerClient } from "../broker/index.ts";
import { Random } from "../graph/index.ts";
import { anyFreePort } from "../lib/ports.ts";
import { childrenOf, listenerOn } from "../lib/processes.ts";
import type { Verdict } from "../load/index.ts";
import { realWith, type TestBroker, urlOf } from "./support/brokers.ts";
import { ask, connectClient } from "./support/client.ts";
import { EnckeCommand } from "./support/command.ts";
import { kill9 } from "./support/kill.ts";
import { natsServer } from "./support/nats-servers.ts";
import { SmallDisk } from "./support/small-disk.ts";
import { waitFor } from "./support/wait-for.ts";
import { skipWallClock, WallClock } from "./support/wall-clock.ts";

const MINUTES = Number(process.env.FAULT_MINUTES ?? 0.25);
const SEED = Number(process.env.FAULT_SEED ?? 1);
const HOUR_S = 3_600;
const USERS = 400;
const STREAMS = 80;
const SENDERS = 4;
const INTERVAL_MS = 50;
/** Causes a fault, and then waits until the services have recovered. */
const CALM_MS = 1_500;
/** Deliveries of the one or two plain events that a killed server had not passed on. */
const MAX_LOST_PER_RESTART = 12;
const SMALL_PAYLOAD = 65_536;

const disk = SmallDisk.mount(64);
const skip = (disk === undefined && "only root may mount a small disk") || skipWallClock || natsServer.skip;

// the short form takes one mode; the model and the resume suites cover the other
for (const fanout of process.env.FAULT_MINUTES === undefined ? ["frames"] : ["frames", "subject"]) {
  describe(`faults, ${fanout} fan-out`, { skip }, () => {
    const clock = new WallClock();
    const random = new Random(SEED);
    const directory = join(disk?.path ?? "", `graph-${fanout}`);
    let broker: TestBroker;
    let client: BrokerClient;
    let graph: EnckeCommand;
    let edge: EnckeCommand;
    let env: Record<string, string>;
    let port = 0;
    let adminPort = 0;
    let restarts = 0;
    let churned = 0;

    before(async () => {
      port = await anyFreePort("127.0.0.1");
      broker = await realWith({}).start([port]);
      env = { ...clock.env, NATS_URL: urlOf(broker) };
      client = await connectClient({ url: urlOf(broker) });
      const friendships = join(disk?.path ?? "", "friendships");
      const shape = ["--users", String(USERS), "--edges", "5", "--out", friendships];
      assert.equal((await EnckeCommand.run(["graph", "generate", ...shape])).exit, 0);
      assert.equal((await EnckeCommand.run(["graph", "load", friendships, "--data", directory])).exit, 0);
      adminPort = await anyFreePort("127.0.0.1");
      const admin = ["--admin-port", String(adminPort)];
      graph = await EnckeCommand.start(["graph", "serve", "--data", directory, ...admin], /graph of/, {
        env,
      });
      const flags = ["--port", "0", "--admin-port", "0", "--fanout", fanout, "--heartbeat", "2s"];
      edge = await EnckeCommand.start(["edge", ...flags], /edge at/, { env });
    });
    after(async () => {
      await edge?.stop();
      await graph?.stop();
      await client?.close();
      await broker?.stop();
      disk?.empty();
    });

    const isReady = async (): Promise<boolean> =>
      (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status === 200;

    /** Returns the code of the error that refused a change; undefined if it was accepted or NATS is away. */
    const change = async (): Promise<number | undefined> => {
      churned += 100;
      const ids = Array.from({ length: 100 }, (_, index) => `churn-${churned + index}`);
      const reply = await ask(client, "graph.subscribe.churn", ids).catch(() => undefined);
      return reply?.problem?.code;
    };

    const fillDisk = async (): Promise<void> => {
      disk?.fill(200_000);
      await waitFor("a change to be refused", async () => (await change()) === 507);
      await delay(random.below(CALM_MS));
      disk?.empty();
      await waitFor("changes to be taken", async () => (await isReady()) && (await change()) === undefined);
    };
    const setClock = (): void => clock.set((random.below(3) - 1) * HOUR_S);
    const killNats = async (): Promise<void> => {
      restarts += 1;
      let server: number | undefined;
      await waitFor("a server to kill", () => {
        server = listenerOn(port); // undefined while the supervisor restarts it
        return server !== undefined;
      });
      kill9(server);
    };
    const shrinkPayload = async (): Promise<void> => {
      restarts += 1;
      await broker.stop();
      broker = await realWith({ maxPayload: SMALL_PAYLOAD }).start([port]);
    };

    /** Runs the check while these faults happen, each at least once. */
    async function verifyDuring(
      faults: readonly (() => void | Promise<void>)[],
      ms: number,
    ): Promise<Verdict> {
      const messages = Math.ceil((ms * SENDERS) / INTERVAL_MS);
      const url = edge.find(/edge at (\S+),/);
      const check = EnckeCommand.run(
        [
          ...["msggen", "--verify", "--messages", String(messages), "--interval", String(INTERVAL_MS)],
          ...[
            "--senders",
            String(SENDERS),
            "--max",
            String(USERS),
            "--streams",
            String(STREAMS),
            "--url",
            url,
          ],
        ],
        { env, endMs: 2 * ms + 120_000 },
      );
      const endsAtMs = performance.now() + ms;
      for (let nth = 0; performance.now() < endsAtMs; nth += 1) {
        await delay(CALM_MS);
        await (faults[nth] ?? faults[random.below(faults.length)])?.();
      }
      const { stdout, stderr } = await check;
      assert.notEqual(stdout, "", stderr);
      const verdict = JSON.parse(stdout) as Verdict;
      const { lost, duplicated, reordered, closed } = verdict;
      assert.deepEqual({ duplicated, reordered, closed }, { duplicated: 0, reordered: 0, closed: 0 });
      assert.ok(lost <= restarts * MAX_LOST_PER_RESTART, stdout);
      assert.ok(verdict.received > 0.5 * verdict.expected, stdout);
      return verdict;
    }

    const processes = (): (number | undefined)[] => [graph.pid, edge.pid, ...childrenOf(edge.pid)];

    it("a full disk and a wall clock that is set - lose no event and cause no resync", async (t) => {
      const before = processes();
      const verdict = await verifyDuring([fillDisk, setClock, setClock], (MINUTES * 60_000) / 3);
      t.diagnostic(JSON.stringify(verdict));
      assert.equal(verdict.resyncs, 0);
      assert.deepEqual(processes(), before);
    });

    it("NATS restarts in addition - lose only what was on its way into the server, and end no process", async (t) => {
      const before = processes();
      restarts = 0;
      const faults = [killNats, fillDisk, setClock, killNats, shrinkPayload, setClock];
      const verdict = await verifyDuring(faults, (MINUTES * 60_000 * 2) / 3);
      t.diagnostic(JSON.stringify({ ...verdict, restarts }));
      assert.ok(restarts >= 2);
      assert.ok(verdict.resyncs <= restarts * verdict.streams, `${verdict.resyncs} for ${restarts} restarts`);
      assert.deepEqual(processes(), before);
    });
  });
}
