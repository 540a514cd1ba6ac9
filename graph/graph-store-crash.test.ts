// Separate processes: acknowledged changes survive kill -9, and only one process at a time can open a
// directory.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ChangingProcess } from "../test/support/changing-process.ts";
import { GraphModel } from "../test/support/graph-model.ts";
import { changesOf } from "../test/support/random-changes.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { GraphStore } from "./graph-store.ts";

const ROUNDS = 20;

describe("graph store, killed", () => {
  it(`${ROUNDS} rounds of kill -9 during writes - lose no acknowledged change, and the audit explains every row`, async () => {
    const directory = tempDir();
    const model = new GraphModel();
    let sequence = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const process = new ChangingProcess(directory, round);
      const enough = 50 + ((round * 37) % 300);
      await waitFor(`${enough} acknowledged`, () => process.acknowledged >= enough);
      await process.kill();

      const store = await GraphStore.open(directory);
      await process.check(store, model, sequence);
      sequence = store.audit.last;
      await store.close();
    }
    assert.ok(sequence > ROUNDS * 50);
  });

  it("a second process - is refused the directory, even after a failed second open in the first", async () => {
    const directory = tempDir();
    const store = await GraphStore.open(directory);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await assert.rejects(GraphStore.open(directory), { code: "GRAPH_DIR_BUSY" });
      const second = new ChangingProcess(directory, 1);
      assert.equal(await second.untilExit(), 1);
      assert.equal(second.output, "GRAPH_DIR_BUSY\n");
    }
    const change = changesOf(0, 0);
    await store.apply(change);
    await store.close();
  });
});
