import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { waitFor } from "../../test/support/wait-for.ts";
import { type Paced, Pacer } from "./pacer.ts";

interface Outbox extends Paced {
  readonly edge: string;
}

const outboxesOf = (count: number): Outbox[] =>
  Array.from({ length: count }, (_, slot) => ({ edge: `e${slot}`, isWaiting: false }));

describe("pacer", () => {
  it("an idle system - sends at the end of the turn, once per edge", async () => {
    const sent: string[] = [];
    const pacer = new Pacer<Outbox>(({ edge }) => sent.push(edge));
    const [a, b] = outboxesOf(2) as [Outbox, Outbox];
    for (const outbox of [a, b, a]) pacer.note(outbox);
    assert.deepEqual(sent, []);
    await turn();
    assert.deepEqual(sent, ["e0", "e1"]);
    pacer.note(a);
    await turn();
    assert.deepEqual(sent, ["e0", "e1", "e0"]);
    assert.equal(pacer.tickMs, 0);
  });

  it("a busy system - delays frames by a tick that grows to at most 50 ms, and shrinks again", async () => {
    let frames = 0;
    const pacer = new Pacer<Outbox>(() => {
      frames += 1;
    });
    const outboxes = outboxesOf(1_000);
    const busyFor = async (ms: number): Promise<void> => {
      for (const until = performance.now() + ms; performance.now() < until; await turn())
        for (const outbox of outboxes) pacer.note(outbox);
    };
    await busyFor(300);
    assert.equal(pacer.tickMs, 50);
    const before = frames;
    await busyFor(500);
    assert.ok(
      frames - before <= 11_000,
      `${frames - before} frames in half a second, at most ten per edge are expected`,
    );
    const [outbox] = outboxes as [Outbox];
    await waitFor("the tick to narrow again", async () => {
      pacer.note(outbox);
      await turn();
      return pacer.tickMs === 0;
    });
  });

  it("flush - sends everything at once", () => {
    const sent: string[] = [];
    const pacer = new Pacer<Outbox>(({ edge }) => sent.push(edge));
    for (const outbox of outboxesOf(3)) pacer.note(outbox);
    pacer.flush();
    assert.deepEqual(sent, ["e0", "e1", "e2"]);
  });
});
