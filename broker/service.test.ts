// Micro services as other tools see them: the counts and times of asynchronous handlers, over every broker.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createLogger } from "../lib/log.ts";
import { version } from "../lib/project.ts";
import { brokers, embedded, type TestBroker, urlOf } from "../test/support/brokers.ts";
import { natsCli, noNatsCli } from "../test/support/nats-cli.ts";
import { NatsProcess } from "../test/support/nats-process.ts";
import { natsServer } from "../test/support/nats-servers.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { BrokerClient } from "./client.ts";
import { BrokerError } from "./errors.ts";
import { serviceErrorOf } from "./message.ts";
import type { Endpoint, Served } from "./service.ts";

const log = createLogger("test", "silent");
const ABOUT = { name: "probe", description: "a service under test", metadata: { share: "0/1" } };
/** The time that handlers take, in milliseconds: much longer than a request's way through the broker. */
const SLOW_MS = 300;
const QUICK_MS = 150;

interface Stats {
  readonly id: string;
  readonly started: string;
  readonly endpoints: readonly {
    readonly name: string;
    readonly num_requests: number;
    readonly num_errors: number;
    readonly last_error: string;
    readonly processing_time: number;
    readonly average_processing_time: number;
  }[];
}

/** Returns an endpoint that replies after `ms`, and fails for some payloads. */
function endpoint(name: string, ms: number, more: Partial<Endpoint> = {}): Endpoint {
  return {
    name,
    subject: `probe.${name}`,
    description: `replies after ${ms} ms`,
    async handle(message) {
      await delay(ms);
      if (message.string() === "bad") throw new BrokerError("BAD_USER", "bad: use a good one");
      if (message.string() === "broken") throw new Error("secret");
      return `${name}: ${message.string()}`;
    },
    ...more,
  };
}

for (const broker of brokers) {
  describe(`micro service over ${broker.name}`, { skip: broker.skip }, () => {
    let running: TestBroker;
    let client: BrokerClient;
    let host: BrokerClient;
    const served: Served[] = [];

    const open = (): Promise<BrokerClient> =>
      BrokerClient.connect({ url: urlOf(running) }, { name: "test", log, wait: false });
    const serve = async (endpoints: readonly Endpoint[], on = host): Promise<void> => {
      served.push(on.addService(ABOUT, endpoints));
      await on.flush();
    };
    const ask = async <T>(subject: string): Promise<T> =>
      (await client.request(subject, "", 2_000)).json<T>();

    before(async () => {
      running = await broker.start();
      [client, host] = [await open(), await open()];
    });
    afterEach(async () => {
      for (const service of served.splice(0)) await service.stop();
    });
    after(async () => {
      await client.close();
      await host.close();
      await running.stop();
    });

    it("STATS - reports what a client counted and measured in a mix of good and bad requests", async () => {
      await serve([endpoint("slow", SLOW_MS), endpoint("quick", QUICK_MS)]);
      // the first requests of a process are slow
      for (let i = 0; i < 50; i += 1) await ask("$SRV.PING.probe");
      const counted: Record<string, { requests: number; errors: number; ms: number; last: string }> = {};
      const request = async (name: string, payload: string): Promise<void> => {
        const startMs = performance.now();
        const reply = await client.request(`probe.${name}`, payload, 2_000);
        const problem = serviceErrorOf(reply);
        counted[name] ??= { requests: 0, errors: 0, ms: 0, last: "" };
        counted[name].requests += 1;
        counted[name].ms += performance.now() - startMs;
        if (problem === undefined) return assert.equal(reply.string(), `${name}: ${payload}`);
        counted[name].errors += 1;
        counted[name].last = problem.message;
      };
      for (let batch = 0; batch < 5; batch += 1) {
        const names = Array.from({ length: 20 }, () => (Math.random() < 0.3 ? "slow" : "quick"));
        await Promise.all(names.map((name, n) => request(name, `good ${n}`)));
      }
      for (const payload of ["bad", "broken", "bad"]) await request("slow", payload);

      const { endpoints } = await ask<Stats>("$SRV.STATS.probe");
      for (const { name, num_requests, num_errors, last_error, ...times } of endpoints) {
        const { requests, errors, ms, last } = counted[name] ?? assert.fail(name);
        assert.deepEqual({ num_requests, num_errors }, { num_requests: requests, num_errors: errors });
        assert.equal(last_error, last);
        const ratio = times.average_processing_time / 1e6 / (ms / requests);
        assert.ok(ratio > 0.7 && ratio < 1.3, `${name}: ${ratio} of what the client measured`);
        assert.equal(times.average_processing_time, Math.floor(times.processing_time / num_requests));
      }
      const total = Object.values(counted).reduce((sum, { requests }) => sum + requests, 0);
      assert.deepEqual([total, counted.slow?.errors, counted.quick?.errors], [103, 3, 0]);
    });

    it("`nats micro` - lists the service and shows the same figures", { skip: noNatsCli }, async () => {
      await serve([endpoint("quick", 1)]);
      for (const payload of ["good", "bad", "good"]) await client.request("probe.quick", payload, 2_000);
      const micro = async (...args: readonly string[]): Promise<string> =>
        natsCli(urlOf(running), "micro", ...args);
      const [listed] = JSON.parse(await micro("ls", "--json")) as [{ name: string; version: string }];
      assert.deepEqual([listed.name, listed.version], ["probe", version]);
      const [theirs] = JSON.parse(await micro("stats", "probe", "--json")) as [Stats];
      const ours = await ask<Stats>("$SRV.STATS.probe");
      const started = new Date(theirs.started).toISOString(); // the command removes trailing zeros
      assert.deepEqual({ ...theirs, started }, ours);
      assert.deepEqual([theirs.endpoints[0]?.num_requests, theirs.endpoints[0]?.num_errors], [3, 1]);
      assert.match(await micro("info", "probe"), /replies after 1 ms/);
      assert.match(await micro("stats", "probe"), /quick +│ 3 +│ q +│ 1 /);
    });

    it("PING and INFO - identify the service by its name and by its id", async () => {
      const requestSchema = { type: "string" };
      await serve([endpoint("quick", 1, { requestSchema })]);
      const ping = await ask<{ id: string }>("$SRV.PING.probe");
      const identity = { name: "probe", id: ping.id, version, metadata: { share: "0/1" } };
      assert.deepEqual(ping, { type: "io.nats.micro.v1.ping_response", ...identity });
      for (const subject of ["$SRV.INFO", "$SRV.INFO.probe", `$SRV.INFO.probe.${ping.id}`])
        assert.deepEqual(await ask(subject), {
          type: "io.nats.micro.v1.info_response",
          ...identity,
          description: "a service under test",
          endpoints: [
            {
              name: "quick",
              subject: "probe.quick",
              queue_group: "q",
              metadata: { description: "replies after 1 ms", request_schema: JSON.stringify(requestSchema) },
            },
          ],
        });
      const other = client.request("$SRV.PING.probe.another-id", "", 500);
      await assert.rejects(other, { code: "NO_RESPONDERS" });
    });

    it("two instances - share requests to a queue group, and both receive requests without one", async () => {
      const other = await open();
      const received: string[] = [];
      const receiving = (instance: string): Endpoint =>
        endpoint("all", 0, {
          queueGroup: "",
          handle: () => {
            received.push(instance);
            return "";
          },
        });
      await serve([endpoint("shared", 0), receiving("first")]);
      await serve([endpoint("shared", 0), receiving("second")], other);
      await Promise.all(Array.from({ length: 100 }, () => client.request("probe.shared", "", 2_000)));
      const stats: Stats[] = [];
      const replies = client.subscribe("probe-stats", (message) => stats.push(message.json()));
      client.publish("$SRV.STATS.probe", "", { reply: "probe-stats" });
      client.publish("probe.all");
      await waitFor("both instances", () => stats.length === 2 && received.length === 2);
      replies.unsubscribe();
      assert.notEqual(stats[0]?.id, stats[1]?.id);
      const [one = 0, two = 0] = stats.map(({ endpoints }) => endpoints[0]?.num_requests ?? 0);
      assert.equal(one + two, 100);
      assert.ok(one > 0 && two > 0, `${one} and ${two}`);
      assert.deepEqual(received.sort(), ["first", "second"]);
      await served.pop()?.stop();
      await other.close();
    });

    it("stop - handles the requests that have arrived, and no others", async () => {
      await serve([endpoint("slow", SLOW_MS)]);
      const pending = Array.from({ length: 20 }, (_, n) => client.request("probe.slow", `${n}`, 2_000));
      await client.flush();
      await served.pop()?.stop();
      const replies = await Promise.all(pending);
      assert.deepEqual(
        replies.map((reply) => reply.string()),
        Array.from({ length: 20 }, (_, n) => `slow: ${n}`),
      );
      for (const subject of ["probe.slow", "$SRV.PING", "$SRV.STATS.probe"])
        await assert.rejects(client.request(subject, "", 500), { code: "NO_RESPONDERS" });
    });
  });
}

describe("micro service", () => {
  it("reply that is too large - is replaced by an error, and counted as one", async (t) => {
    const broker = await embedded.start();
    const host = await BrokerClient.connect({ url: urlOf(broker) }, { name: "test", log, wait: false });
    const client = await BrokerClient.connect({ url: urlOf(broker) }, { name: "test", log, wait: false });
    t.after(async () => {
      await client.close();
      await host.close();
      await broker.stop();
    });
    const large = endpoint("large", 0, { handle: () => "x".repeat(host.maxPayload + 1) });
    host.addService(ABOUT, [large]);
    await host.flush();
    const problem = serviceErrorOf(await client.request("probe.large", "", 2_000));
    assert.equal(problem?.code, 413);
    const { endpoints } = (await client.request("$SRV.STATS.probe", "", 2_000)).json<Stats>();
    assert.deepEqual([endpoints[0]?.num_errors, endpoints[0]?.last_error], [1, problem?.message]);
  });

  it("refused subject - is served once NATS grants it, and other subjects are always served", {
    skip: natsServer.skip,
  }, async (t) => {
    const granting = (subjects: readonly string[]): string => `authorization { users: [
      { user: host, password: h, permissions: { publish: ">", subscribe: ${JSON.stringify(subjects)} } }
      { user: client, password: c }
    ] }\n`;
    const some = ["$SRV.>", "probe.granted"];
    const server = await NatsProcess.start(natsServer, granting(some));
    const { url } = server;
    const connect = (user: string): Promise<BrokerClient> =>
      BrokerClient.connect({ url, user, password: user[0] }, { name: "test", log, wait: false });
    const [host, client] = [await connect("host"), await connect("client")];
    t.after(async () => {
      await client.close();
      await host.close();
      await server.stop();
    });
    host.addService(ABOUT, [endpoint("granted", 0), endpoint("refused", 0)]);
    await waitFor("the refusal", () => host.refused.length > 0);
    assert.deepEqual(host.refused, ["probe.refused"]);
    assert.equal((await client.request("probe.granted", "hi", 2_000)).string(), "granted: hi");
    await server.reload(granting([...some, "probe.refused"]));
    await waitFor("the grant", () => host.refused.length === 0);
    assert.equal((await client.request("probe.refused", "hi", 2_000)).string(), "refused: hi");
  });
});
