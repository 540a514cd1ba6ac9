// `$SRV.STATS` and `$SRV.INFO` of the graph service, and the `nats micro` command, compared with what a
// client counted and measured: one service for all topics, and two that share four partitions.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { z } from "zod";
import { GRAPH_VERBS, parseTopic, partitionOf } from "../broker/contract.ts";
import { type Msg, serviceErrorOf } from "../broker/index.ts";
import { version } from "../lib/project.ts";
import { type BrokerUnderTest, embedded, partitioned, real, urlOf } from "./support/brokers.ts";
import { natsCli, noNatsCli } from "./support/nats-cli.ts";
import { TestNetwork } from "./support/network.ts";
import { tempDir } from "./support/temp-dir.ts";
import { waitFor } from "./support/wait-for.ts";

const SERVICE = "encke-graph";
const GOOD_REQUESTS = 100;
/**
 * Number of users in one `subscribe`, so that processing takes much longer than the way through the broker.
 */
const LIST_LENGTH = 2_000;

interface EndpointStats {
  readonly name: string;
  readonly num_requests: number;
  readonly num_errors: number;
  readonly processing_time: number;
}

interface EndpointInfo {
  readonly name: string;
  readonly subject: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Instance<T> {
  readonly id: string;
  readonly version: string;
  readonly endpoints: readonly T[];
}

interface Count {
  requests: number;
  errors: number;
  ms: number;
}

const numbers = (name: string): number[] => Array.from({ length: LIST_LENGTH }, (_, n) => n + name.length);
/** One good request per verb, about a topic or a user. */
const GOOD: Readonly<Record<string, (name: string) => unknown>> = {
  subscribe: (name) => ({ subscribers: numbers(name).map((n) => `u${n}`) }),
  unsubscribe: (name) => [`u${name.length}`],
  mute: () => ({ subscribers: ["u10"] }),
  unmute: () => ["u10"],
  block: () => ["u11"],
  unblock: () => ["u11"],
  subscribers: () => ({ limit: 100 }),
  muted: () => ({}),
  blocked: () => ({ limit: 10 }),
  subscriptions: () => ({ limit: 10 }),
  mutual: () => ({ with: "u12", limit: 10 }),
  online: () => ({}),
  count: () => "",
  audit: () => ({ after: 0, limit: 100 }),
};

function testStatistics(broker: BrokerUnderTest, shares: readonly string[], of: number): void {
  const where = `statistics of ${shares.length} service(s), over ${broker.name}`;
  describe(where, { skip: broker.skip }, () => {
    let network: TestNetwork;
    const counted = new Map<string, Count>();

    before(async () => {
      network = await TestNetwork.start({ broker, fleet: [], shares });
    });
    after(() => network.stop());

    /** Returns the reply of every instance, each of which replies for itself. */
    const ask = async <T>(verb: "STATS" | "INFO"): Promise<Instance<T>[]> => {
      const replies: Instance<T>[] = [];
      const inbox = network.client.newInbox();
      const subscription = network.client.subscribe(inbox, (message) => replies.push(message.json()));
      network.client.publish(`$SRV.${verb}.${SERVICE}`, "", { reply: inbox });
      await waitFor(`${verb} of every instance`, () => replies.length === shares.length);
      subscription.unsubscribe();
      return replies;
    };
    const endpointOf = (verb: string, name: string): string =>
      of === 1 ? verb : `${verb}-${partitionOf(parseTopic(name), of)}`;
    const request = async (verb: string, name: string, payload: string): Promise<Msg> => {
      const startMs = performance.now();
      const reply = await network.client.request(`graph.${verb}.${name}`, payload, 5_000);
      const ms = performance.now() - startMs;
      const endpoint = endpointOf(verb, name);
      const count = counted.get(endpoint) ?? { requests: 0, errors: 0, ms: 0 };
      counted.set(endpoint, {
        requests: count.requests + 1,
        errors: count.errors + Number(serviceErrorOf(reply) !== undefined),
        ms: count.ms + ms,
      });
      return reply;
    };
    const totals = (instances: readonly Instance<EndpointStats>[]): Map<string, Count> => {
      const all = new Map<string, Count>();
      for (const { name, num_requests, num_errors, processing_time } of instances.flatMap(
        ({ endpoints }) => endpoints,
      )) {
        assert.ok(!all.has(name), `${name} is reported by one instance only`);
        all.set(name, { requests: num_requests, errors: num_errors, ms: processing_time / 1e6 });
      }
      return all;
    };

    it("STATS - reports what a client counted and measured for a random mix of good and bad requests", async () => {
      const earlier = totals(await ask<EndpointStats>("STATS")); // the start made requests, too
      const pings = Array.from({ length: 50 }, async () => network.client.request("$SRV.PING", "", 2_000));
      await Promise.all(pings);
      let pingMs = 0;
      const mix = Array.from({ length: GOOD_REQUESTS }, (_, n) => {
        const verb = GRAPH_VERBS[Math.floor(Math.random() * GRAPH_VERBS.length)] ?? "count";
        return { verb: n % 5 === 0 ? "subscribe" : verb, name: `t${Math.floor(Math.random() * 20)}` };
      });
      for (const { verb, name } of mix) {
        const startMs = performance.now();
        await network.client.request("$SRV.PING", "", 2_000);
        pingMs += performance.now() - startMs;
        const good = GOOD[verb]?.(name);
        const reply = await request(verb, name, good === "" ? "" : JSON.stringify(good));
        assert.equal(serviceErrorOf(reply), undefined, `${verb} ${name}`);
      }
      for (const verb of ["subscribe", "mutual", "audit"])
        assert.equal(serviceErrorOf(await request(verb, "t1", "{bad"))?.code, 400, verb);

      let [requests, errors, theirMs, ourMs] = [0, 0, 0, 0];
      for (const [endpoint, now] of totals(await ask<EndpointStats>("STATS"))) {
        const before = earlier.get(endpoint) ?? assert.fail(endpoint);
        const client = counted.get(endpoint) ?? { requests: 0, errors: 0, ms: 0 };
        assert.equal(now.requests - before.requests, client.requests, endpoint);
        assert.equal(now.errors - before.errors, client.errors, endpoint);
        requests += client.requests;
        errors += client.errors;
        theirMs += now.ms - before.ms;
        ourMs += client.ms;
      }
      assert.deepEqual([requests, errors], [GOOD_REQUESTS + 3, 3]);
      const ratio = theirMs / (ourMs - pingMs);
      assert.ok(ratio > 0.7 && ratio < 1.3, `processing took ${ratio} of what the client measured`);
    });

    it("INFO - contains the package's version, and schemas that real requests and replies match", async () => {
      const instances = await ask<EndpointInfo>("INFO");
      assert.ok(instances.every((instance) => instance.version === version));
      const endpoints = new Map(
        instances.flatMap((instance) => instance.endpoints).map((one) => [one.name, one]),
      );
      const schemaOf = (text = "{}"): z.ZodType => z.fromJSONSchema(JSON.parse(text));
      for (const [verb, good] of Object.entries(GOOD)) {
        const { metadata } = endpoints.get(endpointOf(verb, "t1")) ?? assert.fail(verb);
        assert.match(metadata.description ?? "", /^[A-Z][a-z]+s /, verb);
        const asked = good("t1");
        if (asked !== "") {
          assert.ok(schemaOf(metadata.request_schema).safeParse(asked).success, verb);
          assert.ok(!schemaOf(metadata.request_schema).safeParse("text").success, verb);
        }
        const reply = await request(verb, "t1", asked === "" ? "" : JSON.stringify(asked));
        const parsed = schemaOf(metadata.response_schema).safeParse(reply.json());
        assert.ok(parsed.success, `${verb}: ${parsed.error?.message}`);
      }
      for (let partition = 0; partition < of; partition += 1)
        for (const [verb, asked] of [
          ["audit", { limit: 5 }],
          ["backup", { folder: tempDir() }],
        ] as const) {
          const { metadata } = endpoints.get(`part-${verb}-${partition}`) ?? assert.fail(verb);
          assert.ok(schemaOf(metadata.request_schema).safeParse(asked).success, verb);
          const subject = `part.${partition}.${verb}`;
          const reply = await network.client.request(subject, JSON.stringify(asked), 5_000);
          const parsed = schemaOf(metadata.response_schema).safeParse(reply.json());
          assert.ok(parsed.success, `${verb}: ${parsed.error?.message}`);
        }
    });

    it("`nats micro` - agrees with STATS and shows versions, descriptions and schemas", {
      skip: noNatsCli,
    }, async () => {
      const url = urlOf(network.broker);
      const listed = JSON.parse(await natsCli(url, "micro", "ls", "--json")) as { version: string }[];
      assert.deepEqual(
        listed.map((one) => one.version),
        shares.map(() => version),
      );
      const theirs = JSON.parse(await natsCli(url, "micro", "stats", SERVICE, "--json"));
      assert.deepEqual(totals(theirs), totals(await ask<EndpointStats>("STATS")));
      const [one] = await ask<EndpointInfo>("INFO");
      const info = await natsCli(url, "micro", "info", SERVICE, one?.id ?? "");
      assert.match(info, new RegExp(`Version: ${version.replaceAll(".", "\\.")}`));
      assert.match(info, /Lists the users who follow a topic/);
      assert.match(info, /response_schema/);
    });
  });
}

testStatistics(embedded, ["0/1"], 1);
testStatistics(real, ["0/1"], 1);
testStatistics(partitioned(4), ["0,2/4", "1,3/4"], 4);
