import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadFollows } from "../../graph/index.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { prepareGraph } from "./graph.ts";

const SHAPE = { users: 100, friends: 3, seed: 1 };
const ignore = (): void => {};

describe("prepareGraph", () => {
  it("without a folder - creates a temporary one and removes it", async () => {
    const graph = await prepareGraph(SHAPE, undefined, ignore);
    assert.ok(existsSync(join(graph.directory, "CURRENT")));
    graph.remove();
    assert.equal(existsSync(graph.directory), false);
  });

  it("with a folder - creates the graph once, keeps it, and refuses another shape", async () => {
    const folder = join(tempDir(), "kept");
    const first = await prepareGraph(SHAPE, folder, ignore);
    first.remove();
    const second = await prepareGraph(SHAPE, folder, () => assert.fail("it was created again"));
    assert.deepEqual([first.wasThere, second.wasThere], [false, true]);
    await assert.rejects(prepareGraph({ ...SHAPE, seed: 2 }, folder, ignore), {
      code: "USAGE",
      message: /another graph/,
    });
  });

  it("folder with another graph - is not changed", async () => {
    const folder = join(tempDir(), "theirs");
    const newcomers = [{ id: 2, friends: Uint32Array.of(1) }];
    await loadFollows({ name: "x", newcomers }, { directory: folder, kind: "friendships" });
    await assert.rejects(prepareGraph(SHAPE, folder, ignore), {
      code: "USAGE",
      message: /not made by encke million/,
    });
  });
});
