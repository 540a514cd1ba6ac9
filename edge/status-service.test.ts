// The edge as a NATS micro service, over every broker: what clients and the `nats` command read of it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { version } from "../lib/project.ts";
import { brokers, urlOf } from "../test/support/brokers.ts";
import { natsCli, noNatsCli } from "../test/support/nats-cli.ts";
import { TestNetwork } from "../test/support/network.ts";
import { waitFor } from "../test/support/wait-for.ts";

interface Status {
  readonly edge: string;
  readonly ready: boolean;
  readonly reason?: string;
  readonly streams: number;
  readonly users: number;
  readonly queuedBytes: number;
}

interface Info {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly endpoints: readonly { readonly metadata: Readonly<Record<string, string>> }[];
}

for (const broker of brokers) {
  describe(`micro service of edges over ${broker.name}`, { skip: broker.skip }, () => {
    let network: TestNetwork;

    before(async () => {
      network = await TestNetwork.start({ broker, fleet: ["subject", "frames"] });
    });
    after(() => network.stop());

    /** Collects one reply per edge. */
    const askAll = async <T>(subject: string, edges: number): Promise<T[]> => {
      const replies: T[] = [];
      const inbox = network.client.newInbox();
      const subscription = network.client.subscribe(inbox, (message) => replies.push(message.json()));
      network.client.publish(subject, "", { reply: inbox });
      await waitFor(`${edges} replies`, () => replies.length >= edges);
      await network.client.flush();
      subscription.unsubscribe();
      assert.equal(replies.length, edges);
      return replies;
    };

    it("edge.status - returns the state of each edge", async () => {
      const reader = await network.read("/stream?user=7");
      const statuses = await askAll<Status>("edge.status", 2);
      assert.notEqual(statuses[0]?.edge, statuses[1]?.edge);
      assert.deepEqual(
        statuses
          .map(({ ready, streams, users, queuedBytes }) => ({ ready, streams, users, queuedBytes }))
          .sort(byStreams),
        [
          { ready: true, streams: 0, users: 0, queuedBytes: 0 },
          { ready: true, streams: 1, users: 1, queuedBytes: 0 },
        ],
      );
      reader.close();
    });

    it("INFO - shows this release, the edge's id and mode, and the reply's schema", async () => {
      const infos = await askAll<Info>("$SRV.INFO.encke-edge", 2);
      const statuses = await askAll<Status>("edge.status", 2);
      assert.deepEqual(infos.map(({ metadata }) => metadata.fanout).sort(), ["frames", "subject"]);
      assert.deepEqual(
        infos.map(({ metadata }) => metadata.edge).sort(),
        statuses.map(({ edge }) => edge).sort(),
      );
      for (const { name, version: release, description, endpoints } of infos) {
        assert.deepEqual([name, release], ["encke-edge", version]);
        assert.match(description, /streams/);
        const schema = JSON.parse(endpoints[0]?.metadata.response_schema ?? "{}") as { properties: object };
        assert.deepEqual(
          Object.keys(schema.properties).sort(),
          ["reason", ...Object.keys(statuses[0] ?? {})].sort(),
        );
      }
    });

    it("`nats micro` - lists the edges and counts their requests", { skip: noNatsCli }, async () => {
      const micro = async <T>(...args: readonly string[]): Promise<T> =>
        JSON.parse(await natsCli(urlOf(network.broker), "micro", ...args, "--json")) as T;
      const listed = await micro<Info[]>("ls", "encke-edge");
      assert.deepEqual(
        listed.map((instance) => [instance.name, instance.version]),
        [
          ["encke-edge", version],
          ["encke-edge", version],
        ],
      );
      type Stats = { endpoints: readonly { num_requests: number; num_errors: number }[] };
      const requests = async (): Promise<number[]> =>
        (await micro<Stats[]>("stats", "encke-edge")).map(
          ({ endpoints }) => endpoints[0]?.num_requests ?? -1,
        );
      const [before = 0] = await requests();
      await askAll("edge.status", 2);
      assert.deepEqual(await requests(), [before + 1, before + 1]);
    });

    it("stopped edge - is listed no more", async () => {
      await network.edges.pop()?.stop();
      await askAll("$SRV.PING.encke-edge", 1);
    });
  });
}

const byStreams = (a: { streams: number }, b: { streams: number }): number => a.streams - b.streams;
