// Tests of the NATS configuration for a divided graph, rendered by Ansible and run by a real nats-server: its
// mappings are those of `encke broker --print-config`, and each user has the permissions that it needs with
// them, and no others.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { partitionMappings } from "../../broker/contract.ts";
import { BrokerClient, jetStreamSettings } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { projectRoot } from "../../lib/project.ts";
import { NatsProcess } from "../../test/support/nats-process.ts";
import { natsServers } from "../../test/support/nats-servers.ts";
import { noAnsible, renderNatsConfig } from "../../test/support/rendered-nats.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { type Host, parseTopology, readTopology, type Topology } from "../topology/topology.ts";

const log = createLogger("test", "silent");
const PARTITIONS = 16;

const render = (topology: Topology, version?: string): string =>
  renderNatsConfig(
    topology,
    { nats: { producer: "p", graph: "g", edge: "e", route: "r", system: "s" } },
    version,
  );

const lab = readTopology(join(projectRoot, "infra", "topology", "lab.json"));
const graph = lab.hosts["graph-1"] as Host;
const divided = parseTopology({
  ...lab,
  hosts: {
    ...lab.hosts,
    "graph-1": { ...graph, partitions: "0-7/16" },
    "graph-2": { ...graph, roles: ["graph"], private: "10.77.0.32", partitions: "8-15/16" },
  },
});

/** Returns the parts of the configuration that need no certificates and no other nodes. */
const partsOf = (rendered: string): string => {
  const blocks = rendered.match(/^(authorization|mappings) (= \{\}$|\{[\s\S]*?^\}$)/gm) ?? [];
  assert.equal(blocks.length, 2, "expected one authorization block and one of mappings");
  return `${blocks.join("\n")}\n`;
};

describe("configuration of a deployment", { skip: noAnsible }, () => {
  it("bounds of what waits to be stored - are raised where the server has them, as `--print-config` does", () => {
    for (const [version, isRaised] of [
      ["2.10.29", false],
      ["2.11.0", true],
      ["2.15.3", true],
    ] as const) {
      const bounds = /^ {2}max_buffered_(msgs|size): .*$/gm;
      const printed = jetStreamSettings("/var/lib/nats-server", version).match(bounds);
      assert.deepEqual(render(lab, version).match(bounds), printed);
      assert.equal(printed?.length, isRaised ? 2 : undefined);
    }
  });
});

for (const installed of natsServers) {
  describe(`${installed.name} of a deployment`, { skip: installed.skip || noAnsible }, () => {
    let server: NatsProcess;
    const clients: BrokerClient[] = [];
    const connect = async (user: string, password: string): Promise<BrokerClient> => {
      const client = await BrokerClient.connect(
        { url: server.url, user, password },
        { name: "test", log, wait: true },
      );
      clients.push(client);
      return client;
    };

    let text: string;

    before(async () => {
      text = render(divided);
      assert.ok(
        text.includes(partitionMappings(PARTITIONS)),
        "the mappings of `encke broker --print-config`",
      );
      server = await NatsProcess.start(installed, partsOf(text));
    });
    after(async () => {
      for (const client of clients) await client.close();
      await server.stop();
    });

    it("producers and edges - reach partitions only by the subjects that they may publish", async () => {
      const got: string[] = [];
      const owner = await connect("graph", "g");
      owner.subscribe("part.>", (message) => got.push(message.subject));
      await owner.flush();
      for (const [user, password] of [
        ["producer", "p"],
        ["edge", "e"],
      ] as const) {
        const client = await connect(user, password);
        got.length = 0;
        for (const verb of ["audit", "backup", "rows.subscriptions.7"]) client.publish(`part.3.${verb}`);
        client.publish("event.1");
        client.publish("graph.count.photo.789");
        await client.flush();
        await owner.flush();
        assert.deepEqual(
          got.map((subject) => subject.replace(/^part\.\d+/, "part.N")),
          ["part.N.event.1", "part.N.graph.count.photo.789"],
          user,
        );
      }
      assert.deepEqual(owner.refused, []);
    });

    it("reloads - divide the graph and unite it again on open connections, without a restart", async () => {
      const whole = render(lab);
      assert.doesNotMatch(whole, /part\.\{\{|part\.\*\.(event|graph|user)/);
      const producer = await connect("producer", "p");
      const owner = await connect("graph", "g");
      const got: string[] = [];
      for (const subject of ["part.>", "event.>"])
        owner.subscribe(subject, (message) => got.push(message.subject));
      await owner.flush();
      for (const [rendered, subject] of [
        [whole, /^event\.1$/],
        [text, /^part\.\d+\.event\.1$/],
        [whole, /^event\.1$/],
      ] as const) {
        await server.reload(partsOf(rendered));
        await waitFor(`events on ${subject}`, async () => {
          got.length = 0;
          producer.publish("event.1");
          await producer.flush();
          await owner.flush();
          return got.length === 1 && subject.test(got[0] ?? "");
        });
      }
      assert.equal(producer.reconnects + owner.reconnects, 0);
    });
  });
}
