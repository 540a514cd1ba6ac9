// Faults of every kind, chosen by a seeded random, while readers with cursors come and go, authors publish,
// and follows change. Afterwards every reader's record is compared with what was published and what the graph
// said at the time. The short form is part of `npm test`; with CHAOS_MINUTES=10 every setup runs for so long.
// CHAOS_SEED chooses other faults, CHAOS_SETUP the setups (setups.ts), CHAOS_KINDS the kinds of fault, and
// CHAOS_READERS the number of readers. CHAOS_TRACE=FOLDER writes every block of every reader to a folder.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../graph/index.ts";
import { Ledger } from "../resume/checker.ts";
import { Crowd } from "../resume/crowd.ts";
import { nowMs } from "../resume/received.ts";
import { ChangingFollows } from "./changing-follows.ts";
import { coveredSince } from "./explain.ts";
import { FAULT_KINDS, type InjectedFault } from "./faults.ts";
import { Injector } from "./injector.ts";
import { linesOf } from "./report.ts";
import { type Setup, setupsOf } from "./setups.ts";
import { Site } from "./site.ts";
import { Stalls } from "./stalls.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { judge, NO_FAILURES } from "./verdict.ts";

const { CHAOS_MINUTES, CHAOS_SETUP, CHAOS_KINDS = FAULT_KINDS.join(), CHAOS_TRACE } = process.env;
const IS_LONG = CHAOS_MINUTES !== undefined;
const SEED = Number(process.env.CHAOS_SEED ?? (IS_LONG ? randomInt(1_000_000) : 1));
const READERS = Number(process.env.CHAOS_READERS ?? (IS_LONG ? 200 : 60));
/** The faults of the short form. A long one injects as many as it has time for. */
const FAULTS = IS_LONG
  ? { alone: Number.POSITIVE_INFINITY, overlapping: Number.POSITIVE_INFINITY, minMs: 300, maxMs: 6_000 }
  : { alone: 6, overlapping: 4, minMs: 100, maxMs: 1_000 };
const KINDS = FAULT_KINDS.filter((kind) => CHAOS_KINDS.split(",").includes(kind));
const MINUTE_MS = 60_000;
const TIME_MS = Number(CHAOS_MINUTES ?? 0.4) * MINUTE_MS;
/** The rest of the time is for faults that overlap. */
const ALONE = 0.7;
/** Events per second of plain authors, and of those who wait for replies. */
const PER_SECOND = 15;
const PLAIN_TOPICS = 6;
const CHANGES_AT_ONCE = 4;
/** Readers whose edge is away must not take the time of all others. */
const MAX_FRUITLESS_PAUSE_MS = 1_000;
/** Most connections last for seconds, so that readers keep up; some are cut within a head or a replay. */
const MAX_CUT_BYTES = 120_000;
const MAX_EARLY_CUT_BYTES = 1_000;
const RARELY_CUT = 4;
/** Time under load before the first fault and after the last. */
const QUIET_MS = 1_000;

async function runChaos(setup: Setup, t: TestContext): Promise<void> {
  const random = new Random(SEED);
  const site = await Site.start(setup);
  const faults: InjectedFault[] = [];
  const ledger = new Ledger((hole) => coveredSince(hole, faults));
  let crowd: Crowd | undefined;
  try {
    const { client } = site;
    crowd = await Crowd.gather(
      {
        ...{ client, ledger, random, edges: () => site.urls, perSecond: PER_SECOND },
        ...{ isHeldBack: () => false, fruitlessPauseMs: () => random.below(MAX_FRUITLESS_PAUSE_MS) },
        cutAfter: () => random.below(random.below(RARELY_CUT) === 0 ? MAX_EARLY_CUT_BYTES : MAX_CUT_BYTES),
      },
      READERS,
    );
    const { members, topics, load } = crowd;
    const users = members.map(({ received }) => received.user);
    const injector = new Injector({
      ...{ site, random: new Random(SEED), faults, minMs: FAULTS.minMs, maxMs: FAULTS.maxMs },
      kinds: KINDS,
      isOver: () => crowd?.fault !== undefined,
    });
    const stalls = new Stalls(ledger, faults);
    const timeline = new Timeline(nowMs());
    const follows = new ChangingFollows({ client, ledger, random, users, topics });
    const trace = CHAOS_TRACE === undefined ? undefined : new Trace(join(CHAOS_TRACE, setup.name));
    crowd.onBlock = ({ received, reader }, block) => {
      trace?.note(received.name, reader.connections, block);
      stalls.note(received.user, block);
      if (block.kind === "event" || block.kind === "resync") timeline.count(block.kind, nowMs());
      return true;
    };
    load.start(topics.slice(0, PLAIN_TOPICS));
    load.startConfirmed(topics.slice(PLAIN_TOPICS));
    follows.start(CHANGES_AT_ONCE);
    crowd.churn(true);
    const startedAtMs = performance.now();
    await delay(QUIET_MS);
    await injector.alone(FAULTS.alone, startedAtMs + ALONE * TIME_MS);
    await injector.overlapping(FAULTS.overlapping, startedAtMs + TIME_MS);
    await delay(QUIET_MS);
    await follows.stop();
    // a reader's last direct message may have been lost, and nothing else says that the reader is up to date
    for (const user of users) load.send(user);
    await crowd.settle().catch((error: unknown) => t.diagnostic(String(error)));
    const differences = await follows.differences();
    const verdict = judge(ledger, faults, setup.hasStreams);
    const lines = linesOf({
      ...{ setup: setup.name, seed: SEED, published: ledger.total, readers: members.length, faults, verdict },
      connections: members.reduce((sum, { reader }) => sum + reader.connections, 0),
      ...{ follows: follows.acknowledged, followsLost: differences.length, stalls: stalls.longestMs },
      timeline: timeline.draw(faults, nowMs()),
    });
    trace?.end(faults, site.logs);
    for (const line of lines) t.diagnostic(line);
    crowd.assertProtocol();
    assert.deepEqual(verdict.failures, NO_FAILURES, verdict.examples.join("\n"));
    assert.deepEqual(differences, []);
    assert.ok(verdict.received > members.length);
  } finally {
    crowd?.leave();
    await site.stop();
  }
}

for (const setup of setupsOf(CHAOS_SETUP, IS_LONG))
  describe(`chaos, ${setup.name}`, { skip: setup.skip }, () => {
    it(`faults chosen by seed ${SEED} - lose nothing without a resync, and repeat and reorder nothing`, (t) =>
      runChaos(setup, t));
  });
