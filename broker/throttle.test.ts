import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "../test/support/wait-for.ts";
import { Throttle } from "./throttle.ts";

describe("throttle", () => {
  it("burst - calls back at once, and once more for all later calls", async () => {
    const said: [string, number][] = [];
    const throttle = new Throttle<string>(50, (what) => said.push([what, performance.now()]));
    for (const what of ["a", "b", "c", "d"]) throttle.call(what);
    assert.equal(said.length, 1);
    await waitFor("the rest", () => said.length === 2);
    assert.deepEqual(
      said.map(([what]) => what),
      ["a", "b"],
    );
    assert.ok((said[1]?.[1] ?? 0) - (said[0]?.[1] ?? 0) >= 50);
    throttle.call("e");
    await waitFor("the merged call", () => said.length === 3);
  });

  it("stop - cancels the pending call", async () => {
    const said: string[] = [];
    const throttle = new Throttle<string>(5, (what) => said.push(what));
    throttle.call("a");
    throttle.call("b");
    throttle.stop();
    const started = performance.now();
    await waitFor("the interval to pass", () => performance.now() - started > 20);
    assert.deepEqual(said, ["a"]);
  });
});
