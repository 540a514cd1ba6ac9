// Tests of the plan of a move.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { type HostReport, type MovePlan, parseReports, planMove } from "./move.ts";

const host = (held: string, wanted: string, built = "", decided = "", release = "1"): HostReport => ({
  held,
  wanted,
  left: { built, decided },
  release,
});

const plan = (hosts: Record<string, HostReport>): MovePlan => planMove(hosts, "new");

const partsOf = ({ hosts }: MovePlan): Record<string, string> =>
  Object.fromEntries(Object.entries(hosts).map(([name, { part }]) => [name, part]));

describe("plan of a move", () => {
  it("a whole graph - is divided between its host and a new one", () => {
    const made = plan({ a: host("0/1", "0-7/16"), b: host("nothing", "8-15/16", "", "", "") });
    assert.deepEqual(partsOf(made), { a: "export", b: "export" });
    assert.deepEqual(made.sources, ["a"]);
    assert.equal(made.release, "1");
    assert.equal(made.move, "new");
    assert.deepEqual(made.problems, []);
    assert.equal(made.hosts.a?.text, "holds 0/1, should hold 0-7/16: takes part");
  });

  it("a host whose partitions stay - takes no part", () => {
    const made = plan({
      a: host("0-3/16", "0-3/16"),
      b: host("4-9/16", "4-7/16"),
      c: host("10-15/16", "8-15/16"),
    });
    assert.deepEqual(partsOf(made), { a: "stay", b: "export", c: "export" });
    assert.deepEqual(made.sources, ["b", "c"]);
    assert.deepEqual(made.problems, []);
  });

  it("a graph that is where it should be - moves nothing", () => {
    for (const hosts of [{ a: host("0/1", "0/1") }, { a: host("nothing", "nothing") }]) {
      const made = plan(hosts);
      assert.deepEqual(partsOf(made), { a: "stay" });
      assert.deepEqual(made.sources, []);
      assert.deepEqual(made.problems, []);
    }
  });

  it("a decided move - is finished under its own name, also by a host whose folder is already in place", () => {
    const made = plan({
      a: host("0-7/16", "0-7/16", "", "old"),
      b: host("nothing", "8-15/16", "old", "old"),
      c: host("0/1", "nothing", "", "old"),
    });
    assert.equal(made.move, "old");
    assert.deepEqual(partsOf(made), { a: "finish", b: "finish", c: "finish" });
    assert.deepEqual(made.sources, []);
    assert.deepEqual(made.problems, []);
  });

  it("an undecided move - starts over", () => {
    const made = plan({ a: host("0/1", "0-7/16", "old"), b: host("nothing", "8-15/16") });
    assert.equal(made.move, "new");
    assert.deepEqual(partsOf(made), { a: "export", b: "export" });
  });

  it("marks of a move that has ended - do not continue it", () => {
    const made = plan({ a: host("0/1", "0-7/16", "", "old"), b: host("nothing", "8-15/16") });
    assert.equal(made.move, "new");
  });

  it("a topology that changed since the interruption - is refused", () => {
    const { problems } = plan({ a: host("0/1", "0-3/16", "old", "old"), b: host("nothing", "4-15/16") });
    assert.equal(problems.length, 1);
    assert.match(
      problems[0] ?? "",
      /move old was interrupted and has nothing for b: restore the earlier topology/,
    );
  });

  const refused: readonly (readonly [string, Record<string, HostReport>, RegExp])[] = [
    ["no graph", { a: host("nothing", "0/1") }, /no host of the inventory holds a graph.*run site\.yml/],
    [
      "a missing partition",
      { a: host("0-14/16", "0/1") },
      /holds partition 15 of 16: .* add it again with "partitions": "none"/,
    ],
    [
      "a partition on two hosts",
      { a: host("0-8/16", "0/1"), b: host("8-15/16", "nothing") },
      /a and b hold partition 8/,
    ],
    [
      "shares of two graphs",
      { a: host("0-7/16", "0/1"), b: host("4-7/8", "nothing") },
      /16 and 8 partitions, which are different graphs/,
    ],
    [
      "a folder whose load was interrupted",
      { a: host("half a load", "0/1") },
      /a holds half a load, .*check its folder/,
    ],
  ];
  for (const [what, hosts, message] of refused) {
    it(`${what} - is refused with a reason`, () => {
      const { problems } = plan(hosts);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? "", message);
    });
  }

  it("reports - are refused if one lacks a field", () => {
    const { release: _, ...rest } = host("0/1", "0/1");
    assert.throws(() => parseReports({ a: rest }), { code: "USAGE", message: /release/ });
  });

  it("plan-move - reads reports from standard input and prints the plan", () => {
    const reports = { a: host("0/1", "0-7/16"), b: host("nothing", "8-15/16") };
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(projectRoot, "dist", "infra", "main.js"), "plan-move"],
      { input: JSON.stringify(reports), encoding: "utf8" },
    );
    assert.equal(status, 0);
    const made = JSON.parse(stdout) as MovePlan;
    assert.deepEqual({ ...made, move: "new" }, plan(reports));
    assert.match(made.move, /^[0-9a-f-]{36}$/);
  });
});
