import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { waitFor } from "../../test/support/wait-for.ts";
import { EdgeLink } from "../presence/edge-registry.ts";
import { Pacer } from "./pacer.ts";

const edgesOf = (count: number): EdgeLink[] =>
  Array.from({ length: count }, (_, slot) => new EdgeLink(`e${slot}`, slot, "frames", 0));

describe("when frames leave", () => {
  it("idle - at the end of the turn, once for each edge", async () => {
    const sent: string[] = [];
    const pacer = new Pacer(({ id }) => sent.push(id));
    const [a, b] = edgesOf(2) as [EdgeLink, EdgeLink];
    for (const edge of [a, b, a]) pacer.note(edge);
    assert.deepEqual(sent, []);
    await turn();
    assert.deepEqual(sent, ["e0", "e1"]);
    pacer.note(a);
    await turn();
    assert.deepEqual(sent, ["e0", "e1", "e0"]);
    assert.equal(pacer.tickMs, 0);
  });

  it("much to do - they wait for a tick, which widens until the budget holds, to 50 ms at most", async () => {
    let frames = 0;
    const pacer = new Pacer(() => {
      frames += 1;
    });
    const edges = edgesOf(1_000);
    const busyFor = async (ms: number): Promise<void> => {
      for (const until = performance.now() + ms; performance.now() < until; await turn())
        for (const edge of edges) pacer.note(edge);
    };
    await busyFor(300);
    assert.equal(pacer.tickMs, 50);
    const before = frames;
    await busyFor(500);
    assert.ok(frames - before <= 11_000, `${frames - before} frames in half a second: ten of each edge`);
    const [edge] = edges as [EdgeLink];
    await waitFor("the tick to narrow again", async () => {
      pacer.note(edge);
      await turn();
      return pacer.tickMs === 0;
    });
  });

  it("flush - sends what waits, at once", () => {
    const sent: string[] = [];
    const pacer = new Pacer(({ id }) => sent.push(id));
    for (const edge of edgesOf(3)) pacer.note(edge);
    pacer.flush();
    assert.deepEqual(sent, ["e0", "e1", "e2"]);
  });
});
