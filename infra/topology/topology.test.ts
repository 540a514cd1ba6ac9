// Tests of the rules of topology files, and that every topology in the folder follows them.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { partitionMappings } from "../../broker/contract.ts";
import { projectRoot } from "../../lib/project.ts";
import { mappingsOf } from "./shares.ts";
import { contains, hostsWith, parseTopology, readTopology } from "./topology.ts";

const folder = join(projectRoot, "infra", "topology");

/** A topology before it is checked. */
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
    it(`${name} - follows the rules and has the name of its file`, () => {
      assert.equal(`${readTopology(join(folder, name)).name}.json`, name);
    });
  }

  const wrong: readonly (readonly [string, (topology: Loose) => void, RegExp])[] = [
    [
      "two hosts at one address",
      (t) => Object.assign(host(t, "gw-2"), { private: "10.77.0.11" }),
      /already the address of gw-1/,
    ],
    [
      "an address outside of the network",
      (t) => Object.assign(host(t, "gw-2"), { private: "192.0.2.1" }),
      /outside of 10\.77/,
    ],
    ["an unknown size", (t) => Object.assign(host(t, "gw-2"), { size: "huge" }), /there is no size huge/],
    ["two NATS nodes", (t) => void delete t.hosts["nats-3"], /2 NATS nodes; use 1, 3 or 5/],
    ["no graph host", (t) => void host(t, "graph-1").roles.shift(), /there is no graph host/],
    [
      "two writers of one graph",
      (t) => host(t, "nats-1").roles.push("graph"),
      /graph-1, nats-1 would own the whole graph beside other hosts; give each graph host its "partitions"/,
    ],
    [
      "a whole graph and parts of it",
      divided(undefined, "8-15/16"),
      /graph-1 would own the whole graph beside/,
    ],
    [
      "different counts of partitions",
      divided("0-7/16", "4-7/8"),
      /divide the graph into 16 and 8 partitions; use one number/,
    ],
    [
      "a partition on two hosts",
      divided("0-8/16", "8-15/16"),
      /graph-2\.partitions: 8\/16 already belongs to graph-1/,
    ],
    ["a partition on no host", divided("0-6/16", "9-15/16"), /no host has 7-8\/16; give it to a graph host/],
    ["an invalid share", divided("0-16/16", "8-15/16"), /graph-1\.partitions: "0-16\/16" names no/],
    ["partitions of a whole graph", divided("0/1", "none"), /0\/1 is the whole graph; leave it out/],
    ["graph hosts that all own nothing", divided("none", "none"), /every graph host has partitions "none"/],
    [
      "partitions of a gateway",
      (t) => Object.assign(host(t, "gw-1"), { partitions: "0-7/16" }),
      /hosts\.gw-1\.partitions: only a graph host has partitions/,
    ],
    ["no gateway", (t) => Object.assign(t, { hosts: withoutGateways(t) }), /there is no gateway/],
    ["one worker group", (t) => Object.assign(host(t, "gw-1"), { groups: 1 }), /hosts\.gw-1\.groups/],
    ["a role twice", (t) => host(t, "gw-1").roles.push("gateway"), /listed twice/],
    ["an unknown key", (t) => Object.assign(t, { reigon: "x" }), /reigon/],
    ["an invalid host name", (t) => Object.assign(t.hosts, { "GW 1": host(t, "gw-1") }), /host label/],
  ];
  for (const [what, change, message] of wrong) {
    it(`parse - refuses ${what}`, () => {
      assert.throws(() => parseTopology(labWith(change)), { code: "BAD_TOPOLOGY", message });
    });
  }

  for (const [first, second] of [
    ["0-7/16", "8-15/16"],
    ["0,2/4", "3,1/4"],
    ["none", "0-15/16"],
    [undefined, "none"],
  ]) {
    it(`parse - accepts ${first ?? "the whole graph"} and ${second}`, () => {
      const { hosts } = parseTopology(labWith(divided(first, second)));
      assert.equal(hosts["graph-1"]?.partitions, first);
    });
  }

  it("mappings - are those of `encke broker --print-config`, and empty for a whole graph", () => {
    const { hosts } = parseTopology(labWith(divided("0-7/16", "8-15/16")));
    assert.equal(mappingsOf(hosts), partitionMappings(16));
    assert.match(mappingsOf(readTopology(join(folder, "lab.json")).hosts), /^mappings = \{\}$/m);
  });

  it("hosts - are found by role, sorted", () => {
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

/** Makes two graph hosts with these partitions. */
function divided(first: string | undefined, second: string | undefined): (topology: Loose) => void {
  return (topology) => {
    const { hosts } = topology;
    hosts["graph-2"] = { ...host(topology, "graph-1"), roles: ["graph"], private: "10.77.0.32" };
    if (first !== undefined) host(topology, "graph-1").partitions = first;
    if (second !== undefined) hosts["graph-2"].partitions = second;
  };
}

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
