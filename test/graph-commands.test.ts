// Commands that change, query, export and back up a graph, as users type them.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { EnckeCommand } from "./support/command.ts";
import { Services } from "./support/services.ts";
import { tempDir } from "./support/temp-dir.ts";

describe("encke graph", () => {
  let services: Services;
  const folder = tempDir();
  const encke = async (...args: string[]): Promise<string> => {
    const command = await services.encke("graph", ...args);
    assert.equal(command.exit, 0, command.stderr);
    return command.stdout;
  };
  const fileWith = (text: string): string => {
    const path = join(tempDir(), "pairs.txt");
    writeFileSync(path, text);
    return path;
  };

  before(async () => {
    services = await Services.start({ broker: "embedded" });
  });
  after(() => services.stop());

  it("mute, unmute, block, unblock - take one change or a file, and print the outcome", async () => {
    await encke("add", "--file", fileWith("alice rj\nbob rj\ncarol rj\nalice carol\nbob carol\n"));
    assert.equal(await encke("mute", "--file", fileWith("alice rj\nbob rj\n")), "2 muted, 0 unchanged\n");
    assert.equal(await encke("muted", "rj"), "alice\nbob\n");
    assert.equal(await encke("unmute", "bob", "rj", "--json"), '{"changed":1,"unchanged":0}\n');
    assert.equal(await encke("subscribers", "rj"), "alice\nbob\ncarol\n");
    assert.equal(await encke("block", "carol", "rj"), "1 blocked, 0 unchanged\n");
    assert.equal(await encke("blocked", "rj", "--json"), '{"topic":"rj","blocked":["carol"]}\n');
    const refused = await services.encke("graph", "add", "--file", fileWith("carol rj\ndave rj\n"));
    assert.equal(refused.stdout, "1 added, 0 unchanged\n");
    assert.equal(refused.exit, 1);
    assert.match(refused.stderr, /^encke: 1 are blocked and were not added \(carol rj\)/);
    assert.equal(await encke("unblock", "carol", "rj"), "1 unblocked, 0 unchanged\n");
    assert.equal(await encke("block", "eve", "rj"), "1 blocked, 0 unchanged\n");
  });

  it("mutual - lists what both users follow", async () => {
    assert.equal(await encke("mutual", "alice", "bob"), "rj\ncarol\n");
    assert.equal(
      await encke("mutual", "alice", "bob", "--json"),
      '{"user":"alice","with":"bob","mutual":["rj","carol"]}\n',
    );
  });

  it("audit - lists every change in order, starting after --after", async () => {
    const lines = (await encke("audit")).trim().split("\n");
    assert.match(lines[0] ?? "", /^1 \d{4}-\d\d-\d\dT[\d:.]+Z subscribe alice rj$/);
    assert.equal(lines.length, 12);
    const last = (await encke("audit", "rj", "--after", "10")).trim().split("\n");
    assert.deepEqual(
      last.map((line) =>
        line
          .split(" ")
          .filter((_, column) => column !== 1)
          .join(" "),
      ),
      ["11 unblock carol rj", "12 block eve rj"],
    );
    const [json] = (await encke("audit", "carol", "--json")).split("\n");
    const { time, ...change } = JSON.parse(json ?? "") as Record<string, unknown>;
    assert.match(String(time), /Z$/);
    assert.deepEqual(change, { topic: "carol", sequence: 4, kind: "subscribe", subscriber: "alice" });
  });

  it("backup, restore, export, load - reproduce the graph, including muted and blocked users", async () => {
    const file = (await encke("backup", "--out", join(folder, "backups"))).trim();
    await encke("add", "late", "rj");
    const restored = join(folder, "restored");
    const said = await encke("restore", file, "--data", restored);
    assert.match(said, /^graph of 5 follow relations in .*, up to change 12\n$/);
    const again = await services.encke("graph", "restore", file, "--data", restored);
    assert.deepEqual([again.exit, /is not empty/.test(again.stderr)], [1, true]);

    const exported = await encke("export", "--data", restored);
    assert.equal(exported, "alice carol\nbob carol\nalice rj\nbob rj\ndave rj\n");
    const out = join(folder, "edges.txt");
    await encke("export", "--data", restored, "--out", out);
    assert.equal(readFileSync(out, "utf8"), exported);
    assert.equal(await encke("export", "--data", restored, "--only", "muted"), "alice rj\n");
    assert.equal(await encke("export", "--data", restored, "--only", "blocked"), "eve rj\n");
    const loaded = join(folder, "loaded");
    await encke("load", out, "--data", loaded, "--as", "subscriptions");
    assert.equal(await encke("export", "--data", loaded), exported);

    for (const only of ["muted", "blocked"])
      await encke("export", "--data", restored, "--only", only, "--out", join(folder, only));
    const moved = join(folder, "moved");
    const files = ["--muted", join(folder, "muted"), "--blocked", join(folder, "blocked")];
    await encke("load", out, "--data", moved, "--as", "subscriptions", ...files);
    for (const only of ["followers", "muted", "blocked"])
      assert.equal(
        await encke("export", "--data", moved, "--only", only),
        await encke("export", "--data", restored, "--only", only),
      );
    assert.equal(await encke("about", "--data", moved), "partitions 0/1, 5 follows, up to change 0\n");
    assert.equal(
      await encke("about", "--data", restored, "--json"),
      '{"partitions":"0/1","follows":5,"sequence":12,"empty":false}\n',
    );

    const served = await services.encke("graph", "export", "--data", services.directory, "--out", out);
    assert.deepEqual([served.exit, /is served or loaded/.test(served.stderr)], [1, true]);
    assert.equal(readFileSync(out, "utf8"), exported, "a failed export leaves the file untouched");
  });

  it("restore without a backup, backup without a folder - name the missing argument", async () => {
    const none = await EnckeCommand.run([
      "graph",
      "restore",
      join(folder, "none"),
      "--data",
      join(folder, "x"),
    ]);
    assert.deepEqual([none.exit, /cannot be read/.test(none.stderr)], [1, true]);
    const nowhere = await services.encke("graph", "backup");
    assert.deepEqual([nowhere.exit, /use --out DIR/.test(nowhere.stderr)], [2, true]);
  });
});
