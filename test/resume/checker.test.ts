// The checker of the tests of resume finds what it is there to find.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Block } from "./blocks.ts";
import { FLAWLESS, faultsOf, Ledger } from "./checker.ts";
import { inboxOf, type Received } from "./received.ts";

describe("the checker of resume", () => {
  let ledger: Ledger;
  let reader: Received;
  let cursor: number;

  beforeEach(() => {
    ledger = new Ledger();
    ledger.follow("ann", "42");
    reader = ledger.addReader("ann");
    cursor = 0;
  });
  const eventOf = (topic: string | undefined, n: number, at = `c${++cursor}`): Block => ({
    kind: "event",
    cursor: at,
    event: { id: "", time: "", ...(topic !== undefined && { topic }), data: { n } },
  });
  const publish = (topic: string, count: number): void => {
    for (let n = 0; n < count; n += 1) ledger.publish(topic);
  };
  const receive = (...numbers: number[]): void => {
    for (const n of numbers) reader.note(eventOf("42", n));
  };

  it("everything received in order - has no fault", () => {
    publish("42", 3);
    publish(inboxOf("ann"), 1);
    receive(0, 1);
    reader.note(eventOf(undefined, 0));
    assert.equal(ledger.isUpToDate(reader), false);
    receive(2);
    assert.equal(ledger.isUpToDate(reader), true);
    const verdict = ledger.check();
    assert.deepEqual(faultsOf(verdict), FLAWLESS);
    assert.deepEqual([verdict.expected, verdict.received], [4, 4]);
  });

  it("a missing, a repeated and a late event - are counted as what they are", () => {
    publish("42", 5);
    receive(0, 0, 3, 2, 4);
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, lost: 1, twice: 1, outOfOrder: 1 });
  });

  it("an event after the end of a follow - is forbidden", () => {
    publish("42", 1);
    receive(0);
    ledger.unfollow("ann", "42");
    publish("42", 1);
    receive(1);
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, forbidden: 1 });
  });

  it("a withdrawn topic - may still be on its way, but not after a later event of the user", () => {
    publish("42", 3);
    receive(0);
    ledger.withdraw("ann", "42");
    publish("ann", 1);
    receive(1);
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, lost: 1 }, "of ann's own topic");
    reader.note(eventOf("ann", 0));
    assert.deepEqual(faultsOf(ledger.check()), FLAWLESS);
    receive(2);
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, forbidden: 1 });
  });

  it("a follow that is being changed - lets events come or not, until the graph has replied", () => {
    publish("7", 2);
    ledger.requestFollow("ann", "7");
    reader.note(eventOf("7", 1)); // replayed, because ann follows by now
    publish("7", 1);
    ledger.follow("ann", "7");
    publish("7", 2);
    reader.note(eventOf("7", 3));
    assert.deepEqual(
      faultsOf(ledger.check()),
      { ...FLAWLESS, lost: 1 },
      "the last was published after the reply",
    );
    ledger.requestUnfollow("ann", "7");
    publish("7", 1);
    ledger.unfollow("ann", "7");
    assert.deepEqual(faultsOf(ledger.check()), FLAWLESS);
    reader.note(eventOf("7", 5));
    publish("7", 1);
    reader.note(eventOf("7", 6));
    assert.deepEqual(
      faultsOf(ledger.check()),
      { ...FLAWLESS, forbidden: 1 },
      "the last was published after the end",
    );
  });

  it("a cursor that sorts before an earlier one - is counted", () => {
    publish("42", 2);
    reader.note(eventOf("42", 0, "c2"));
    reader.note(eventOf("42", 1, "c1"));
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, cursorsBack: 1 });
  });

  it("a resync - covers what was published since, but neither earlier nor later events", () => {
    publish("42", 1);
    ledger.sent("42", 0);
    const since = new Date(performance.timeOrigin + performance.now() + 60_000).toISOString();
    const early = new Date(0).toISOString();
    reader.note({ kind: "resync", cursor: "c1", hole: { reason: "late", since } });
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, resyncs: 1, lost: 1 });
    reader.note({ kind: "resync", cursor: "c2", hole: { reason: "late", since: early } });
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, resyncs: 2 });
    publish("42", 1);
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, resyncs: 2, lost: 1 });
  });

  it("an event whose reply is missing - may be received or not; after a reply it must be", () => {
    const n = ledger.publish("42", "unsure");
    assert.deepEqual(faultsOf(ledger.check()), FLAWLESS);
    ledger.stored("42", n);
    reader.note({ kind: "resync", cursor: "c1", hole: { reason: "graph-restarted" } });
    assert.deepEqual(faultsOf(ledger.check()), { ...FLAWLESS, resyncs: 1, storedButMissing: 1 });
  });
});
