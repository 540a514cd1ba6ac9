// Tests of the inventory.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { inventoryOf, parseOutputs } from "./inventory.ts";
import { type Host, parseTopology, readTopology } from "./topology.ts";

const lab = readTopology(join(projectRoot, "infra", "topology", "lab.json"));
const addresses = Object.fromEntries(
  Object.keys(lab.hosts).map((name, index) => [name, `203.0.113.${index + 1}`]),
);

describe("inventory", () => {
  it("hosts - are reached at private addresses unless Terraform assigned public ones", () => {
    assert.deepEqual(inventoryOf(lab).all.hosts["gw-1"], {
      ansible_host: "10.77.0.11",
      private_address: "10.77.0.11",
      gateway_groups: ["1", "2"],
      gateway_workers: 1,
    });
    const outside = inventoryOf(
      lab,
      parseOutputs(lab, { addresses: { value: addresses, sensitive: false } }),
    );
    assert.deepEqual(outside.all.hosts["nats-1"], {
      ansible_host: addresses["nats-1"],
      private_address: "10.77.0.21",
    });
  });

  it("groups - correspond to the roles", () => {
    const { children } = inventoryOf(lab).all;
    assert.deepEqual(Object.keys(children ?? {}), ["gateway", "nats", "graph", "observe", "graph_emptied"]);
    assert.deepEqual(Object.keys(children?.observe?.hosts ?? {}), ["graph-1"]);
  });

  it("partitions - are given to their graph hosts, and their number to all hosts", () => {
    const of = (text: string | undefined, other: string): ReturnType<typeof inventoryOf>["all"] => {
      const graph = lab.hosts["graph-1"] as Host;
      const hosts = {
        ...lab.hosts,
        "graph-1": { ...graph, partitions: text },
        "graph-2": { ...graph, roles: ["graph"], private: "10.77.0.32", partitions: other },
      };
      return inventoryOf(parseTopology({ ...lab, hosts })).all;
    };
    const halves = of("7,0-6/16", "8-15/16");
    assert.equal(halves.vars?.encke_partitions, 16);
    assert.deepEqual(
      Object.entries(halves.hosts)
        .flatMap(([name, vars]) => Object.entries(vars).map((pair) => [name, ...pair]))
        .filter(([, key]) => key === "graph_partitions"),
      [
        ["graph-1", "graph_partitions", "0-7/16"],
        ["graph-2", "graph_partitions", "8-15/16"],
      ],
    );
    assert.deepEqual(Object.keys(halves.children?.graph?.hosts ?? {}), ["graph-1", "graph-2"]);
    const whole = of(undefined, "none");
    assert.equal(whole.vars?.encke_partitions, 1);
    assert.deepEqual(Object.keys(whole.children?.graph?.hosts ?? {}), ["graph-1"]);
    assert.deepEqual(Object.keys(whole.children?.graph_emptied?.hosts ?? {}), ["graph-2"]);
    const moved = of("none", "0-15/16");
    assert.deepEqual(Object.keys(moved.children?.graph?.hosts ?? {}), ["graph-2"]);
    assert.deepEqual(Object.keys(moved.children?.observe?.hosts ?? {}), ["graph-1"]);
  });

  it("outputs - are refused if they lack a host", () => {
    const { "gw-2": _, ...rest } = addresses;
    assert.throws(() => parseOutputs(lab, { addresses: { value: rest } }), {
      code: "BAD_OUTPUTS",
      message: /lack gw-2/,
    });
    assert.throws(() => parseOutputs(lab, { other: {} }), { code: "BAD_OUTPUTS" });
  });
});
