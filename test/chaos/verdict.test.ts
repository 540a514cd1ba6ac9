// The checker of the chaos test fails records in which one event is dropped, doubled or swapped, in which a
// resync is invented, or in which a follow that was acknowledged is ignored; and it accepts what a fault
// accounts for.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Block, Hole } from "../resume/blocks.ts";
import { Ledger } from "../resume/checker.ts";
import { nowMs, type Received } from "../resume/received.ts";
import { coveredSince } from "./explain.ts";
import type { InjectedFault } from "./faults.ts";
import { type Failures, judge, NO_FAILURES } from "./verdict.ts";

const HOUR_MS = 3_600_000;
const EVENTS = 10;

describe("the checker of chaos", () => {
  let faults: InjectedFault[];
  let ledger: Ledger;
  let reader: Received;
  let stamp: number;

  beforeEach(() => {
    faults = [];
    ledger = new Ledger((hole) => coveredSince(hole, faults));
    ledger.follow("ann", "42");
    reader = ledger.addReader("ann");
    stamp = 0;
  });

  const publish = (state: "stored" | "sent" = "stored", topic = "42"): void => {
    for (let event = 0; event < EVENTS; event += 1) ledger.sent(topic, ledger.publish(topic, state));
  };
  const receive = (numbers: readonly number[], topic = "42"): void => {
    for (const n of numbers)
      note({ kind: "event", cursor: "", event: { id: "", time: "", topic, data: { n } } });
  };
  const note = (block: Block): void => {
    stamp += 1;
    reader.note({ ...block, cursor: `c${String(stamp).padStart(4, "0")}` });
  };
  const resync = (reason: string, sinceMs?: number): void => {
    const since: Partial<Hole> = sinceMs === undefined ? {} : { since: new Date(sinceMs).toISOString() };
    note({ kind: "resync", cursor: "", hole: { reason, ...since } });
  };
  const inject = (of: InjectedFault["of"], kind: InjectedFault["kind"], clockMs = 0): InjectedFault => {
    const fault = { kind, of, part: of, clockMs, fromMs: nowMs(), toMs: nowMs(), recoveredMs: nowMs() };
    faults.push(fault);
    return fault;
  };
  const fails = (expected: Partial<Failures>): void => {
    const { failures, examples } = judge(ledger, faults);
    assert.deepEqual(failures, { ...NO_FAILURES, ...expected }, examples.join("\n"));
  };
  /** Returns the numbers of a complete record. */
  const all = (): number[] => Array.from({ length: EVENTS }, (_, n) => n);

  it("a complete record - passes", () => {
    publish();
    receive(all());
    fails({});
  });

  it("one answered event dropped - fails, whatever faults there were", () => {
    inject("nats", "kill");
    publish();
    receive(all().filter((n) => n !== 4));
    fails({ answeredLost: 1 });
  });

  it("one plain event dropped - fails, unless the NATS node that had it was killed", () => {
    publish("sent");
    receive(all().filter((n) => n !== 4));
    fails({ plainLost: 1 });
    inject("graph", "kill");
    fails({ plainLost: 1 });
    inject("nats", "kill");
    fails({});
    assert.deepEqual([...judge(ledger, faults).lostByCause], [["nats kill", 1]]);
  });

  it("one event doubled - fails", () => {
    publish();
    receive([0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9]);
    fails({ twice: 1 });
  });

  it("two events swapped - fails", () => {
    publish();
    receive([0, 1, 3, 2, 4, 5, 6, 7, 8, 9]);
    fails({ disordered: 1 });
  });

  it("two plain events swapped - fail, unless a stream repairs what it did not store", () => {
    publish("sent");
    receive([0, 1, 3, 2, 4, 5, 6, 7, 8, 9]);
    fails({ disordered: 1 });
    const { failures, repaired } = judge(ledger, faults, true);
    assert.deepEqual([failures, repaired], [NO_FAILURES, 1]);
  });

  it("a resync without a fault - fails, also if nothing is missing", () => {
    publish();
    receive(all());
    resync("graph-restarted", nowMs());
    resync("late", nowMs());
    resync("too-many", nowMs());
    resync("too-old", nowMs());
    resync("unknown-cursor");
    fails({ invented: 5 });
  });

  it("a second resync for one restart - fails", () => {
    const { fromMs } = inject("graph", "kill");
    resync("graph-restarted", fromMs);
    fails({});
    resync("graph-restarted", fromMs);
    fails({ invented: 1 });
  });

  it("a resync after a fault of another kind, or since long before it - fails", () => {
    const { fromMs } = inject("edge", "kill");
    resync("graph-restarted", fromMs);
    inject("graph", "kill");
    resync("graph-restarted", fromMs - 60_000);
    fails({ invented: 2 });
  });

  it("a resync - covers what was published since then, but nothing earlier", () => {
    publish();
    const { fromMs } = inject("graph", "kill");
    resync("graph-restarted", fromMs - 1_000);
    fails({});
    assert.equal(judge(ledger, faults).answeredCovered, EVENTS);
    reader.holes.length = 0;
    faults.length = 0;
    const late = inject("graph", "kill");
    late.recoveredMs = nowMs() + 60_000;
    resync("graph-restarted", nowMs() + 1_000);
    fails({ answeredLost: EVENTS });
  });

  it("a since by a clock that was set - counts as what the clock showed, but not once it was set back", () => {
    publish();
    const set = inject("graph", "clock", HOUR_MS);
    const { fromMs } = inject("graph", "kill");
    resync("graph-restarted", fromMs + HOUR_MS);
    assert.equal(judge(ledger, faults).failures.invented, 0);
    faults[0] = { ...set, fromMs: fromMs - 20_000, toMs: fromMs - 10_000 };
    assert.equal(judge(ledger, faults).failures.invented, 1);
    fails({ invented: 1, answeredLost: EVENTS });
  });

  it("an event after the acknowledged end of a follow - fails", () => {
    publish();
    receive(all());
    ledger.requestUnfollow("ann", "42");
    ledger.unfollow("ann", "42");
    publish();
    receive([EVENTS]);
    fails({ forbidden: 1 });
  });

  it("an event after an acknowledged follow dropped - fails", () => {
    ledger.requestFollow("ann", "7");
    publish("stored", "7");
    ledger.follow("ann", "7");
    publish("stored", "7");
    receive(
      all()
        .map((n) => EVENTS + n)
        .slice(1),
      "7",
    );
    fails({ answeredLost: 1 });
  });

  it("a cursor that goes back - fails, unless the clock of an edge was set back", () => {
    note({ kind: "cursor", cursor: "" });
    stamp -= 2;
    note({ kind: "cursor", cursor: "" });
    fails({ cursorsBack: 1 });
    faults.push({ ...inject("edge", "clock", -HOUR_MS), fromMs: 0, toMs: Number.POSITIVE_INFINITY });
    fails({});
  });
});
