// What waits between a stream and an iteration: order, the bound, and the end.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StreamEvent } from "./messages.ts";
import { Queue } from "./queue.ts";

const FULL = 1_000;

const eventOf = (n: number): StreamEvent => ({ id: String(n), time: "" });

function filled(count: number): Queue {
  const queue = new Queue();
  for (let n = 0; n < count; n += 1) queue.push(eventOf(n));
  return queue;
}

/** Whether a promise is resolved once everything that is due has run. */
function isResolved(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([promise.then(() => true), later]);
}

describe("Queue", () => {
  it("events - are taken in the order in which they came", async () => {
    const queue = filled(3);
    assert.deepEqual([await queue.take(), await queue.take()], [eventOf(0), eventOf(1)]);
    queue.push(eventOf(3));
    assert.deepEqual([await queue.take(), await queue.take()], [eventOf(2), eventOf(3)]);
  });

  it("an empty queue - lets a taker wait for the next event", async () => {
    const queue = new Queue();
    const taken = queue.take();
    assert.equal(await isResolved(taken), false);
    queue.push(eventOf(7));
    assert.deepEqual(await taken, eventOf(7));
  });

  it("the end - comes after what is in the queue, and wakes a taker", async () => {
    const queue = filled(1);
    queue.end();
    assert.deepEqual([await queue.take(), await queue.take()], [eventOf(0), undefined]);
    const waiting = new Queue();
    const taken = waiting.take();
    waiting.end();
    assert.equal(await taken, undefined);
  });

  it(`${FULL} events - leave no room until one is taken`, async () => {
    const queue = filled(FULL - 1);
    assert.equal(await isResolved(queue.room()), true);
    queue.push(eventOf(FULL));
    const room = queue.room();
    assert.equal(await isResolved(room), false);
    queue.push(eventOf(FULL + 1)); // a read of the socket may bring more than there is room for
    await queue.take();
    assert.equal(await isResolved(room), false);
    await queue.take();
    assert.equal(await isResolved(room), true);
  });

  it("the end of a full queue - makes room", async () => {
    const queue = filled(FULL);
    const room = queue.room();
    queue.end();
    assert.equal(await isResolved(room), true);
    assert.equal(await isResolved(queue.room()), true);
  });

  it("a taker that is slower than the source - receives every event, in order", async () => {
    const queue = new Queue();
    const count = 5_000;
    const push = async (): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        await queue.room();
        queue.push(eventOf(n));
      }
      queue.end();
    };
    const taken: string[] = [];
    const take = async (): Promise<void> => {
      for (let event = await queue.take(); event !== undefined; event = await queue.take()) {
        taken.push(event.id);
        await Promise.resolve();
      }
    };
    await Promise.all([push(), take()]);
    assert.deepEqual(
      taken,
      Array.from({ length: count }, (_, n) => String(n)),
    );
  });
});
