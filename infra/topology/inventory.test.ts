// The inventory that Ansible gets.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { inventoryOf, parseOutputs } from "./inventory.ts";
import { readTopology } from "./topology.ts";

const lab = readTopology(join(projectRoot, "infra", "topology", "lab.json"));
const addresses = Object.fromEntries(
  Object.keys(lab.hosts).map((name, index) => [name, `203.0.113.${index + 1}`]),
);

describe("inventory", () => {
  it("hosts - are reached in the private network unless Terraform made public addresses", () => {
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

  it("groups - are the roles", () => {
    const { children } = inventoryOf(lab).all;
    assert.deepEqual(Object.keys(children ?? {}), ["gateway", "nats", "graph", "observe"]);
    assert.deepEqual(Object.keys(children?.observe?.hosts ?? {}), ["graph-1"]);
  });

  it("outputs - must know every host", () => {
    const { "gw-2": _, ...rest } = addresses;
    assert.throws(() => parseOutputs(lab, { addresses: { value: rest } }), {
      code: "BAD_OUTPUTS",
      message: /lack gw-2/,
    });
    assert.throws(() => parseOutputs(lab, { other: {} }), { code: "BAD_OUTPUTS" });
  });
});
