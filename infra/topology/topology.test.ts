// The topology file's rules, and that every topology in the folder keeps them.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { contains, hostsWith, parseTopology, readTopology } from "./topology.ts";

const folder = join(projectRoot, "infra", "topology");

/** A topology as text may have it: anything. */
type Loose = { hosts: Record<string, Record<string, unknown> & { roles: string[] }> } & Record<
  string,
  unknown
>;

function labWith(change: (topology: Loose) => void): Loose {
  const topology = structuredClone(readTopology(join(folder, "lab.json"))) as unknown as Loose;
  change(topology);
  return topology;
}

describe("topology", () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
    it(`${name} - keeps the rules and is called as its file`, () => {
      assert.equal(`${readTopology(join(folder, name)).name}.json`, name);
    });
  }

  const wrong: readonly (readonly [string, (topology: Loose) => void, RegExp])[] = [
    [
      "two hosts at one address",
      (t) => Object.assign(host(t, "gw-2"), { private: "10.77.0.11" }),
      /gw-1's already/,
    ],
    [
      "an address outside",
      (t) => Object.assign(host(t, "gw-2"), { private: "192.0.2.1" }),
      /outside of 10\.77/,
    ],
    ["an unknown size", (t) => Object.assign(host(t, "gw-2"), { size: "huge" }), /no size is called huge/],
    ["two NATS nodes", (t) => void delete t.hosts["nats-3"], /2 NATS nodes; have 1, 3 or 5/],
    ["two writers of the graph", (t) => host(t, "nats-1").roles.push("graph"), /exactly one writes/],
    ["no gateway", (t) => Object.assign(t, { hosts: withoutGateways(t) }), /a gateway is missing/],
    ["one worker group", (t) => Object.assign(host(t, "gw-1"), { groups: 1 }), /hosts\.gw-1\.groups/],
    ["a role twice", (t) => host(t, "gw-1").roles.push("gateway"), /twice/],
    ["an unknown key", (t) => Object.assign(t, { reigon: "x" }), /reigon/],
    ["a host name that is none", (t) => Object.assign(t.hosts, { "GW 1": host(t, "gw-1") }), /host label/],
  ];
  for (const [what, change, message] of wrong) {
    it(`parse - refuses ${what}`, () => {
      assert.throws(() => parseTopology(labWith(change)), { code: "BAD_TOPOLOGY", message });
    });
  }

  it("hosts - are found by role, in order", () => {
    const lab = readTopology(join(folder, "lab.json"));
    assert.deepEqual(hostsWith(lab, "nats"), ["nats-1", "nats-2", "nats-3"]);
  });

  it("networks - contain their addresses and no others", () => {
    assert.ok(contains("10.0.0.0/8", "10.255.255.255"));
    assert.ok(!contains("10.0.0.0/8", "11.0.0.0"));
    assert.ok(contains("0.0.0.0/0", "203.0.113.7"));
    assert.ok(!contains("10.77.0.128/25", "10.77.0.127"));
  });
});

function host(topology: Loose, name: string): Loose["hosts"][string] {
  const found = topology.hosts[name];
  assert.ok(found);
  return found;
}

function withoutGateways(topology: Loose): Loose["hosts"] {
  return Object.fromEntries(
    Object.entries(topology.hosts).filter(([, { roles }]) => !roles.includes("gateway")),
  );
}
