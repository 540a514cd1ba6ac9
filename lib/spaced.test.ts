import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "../test/support/wait-for.ts";
import { Spaced } from "./spaced.ts";

describe("something said at most once in a while", () => {
  it("a burst - is said at once, and once more for all that came behind", async () => {
    const said: [string, number][] = [];
    const spaced = new Spaced<string>(50, (what) => said.push([what, performance.now()]));
    for (const what of ["a", "b", "c", "d"]) spaced.say(what);
    assert.equal(said.length, 1);
    await waitFor("the rest", () => said.length === 2);
    assert.deepEqual(
      said.map(([what]) => what),
      ["a", "b"],
    );
    assert.ok((said[1]?.[1] ?? 0) - (said[0]?.[1] ?? 0) >= 50);
    spaced.say("e");
    await waitFor("what came later", () => said.length === 3);
  });

  it("stopped - says nothing more", async () => {
    const said: string[] = [];
    const spaced = new Spaced<string>(5, (what) => said.push(what));
    spaced.say("a");
    spaced.say("b");
    spaced.stop();
    const started = performance.now();
    await waitFor("what would have been said", () => performance.now() - started > 20);
    assert.deepEqual(said, ["a"]);
  });
});
