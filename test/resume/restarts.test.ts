// The graph service is stopped or killed under load and started again: what it had stored is replayed, and
// each reader is told once that something may be missing, with a time from which a page can fetch it. And a
// whole `encke up` that is killed right after its last reply.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import type { BrokerClient } from "../../broker/index.ts";
import { Random } from "../../graph/index.ts";
import { real, urlOf } from "../support/brokers.ts";
import { connectClient } from "../support/client.ts";
import { EnckeCommand } from "../support/command.ts";
import { TestNetwork } from "../support/network.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitFor } from "../support/wait-for.ts";
import { FLAWLESS, faultsOf, Ledger } from "./checker.ts";
import { Crowd } from "./crowd.ts";
import { IS_FULL, modesOf, ONLY_FULL } from "./grounds.ts";
import { Load } from "./load.ts";
import { ReturningReader } from "./returning-reader.ts";

const SEED = Number(process.env.RESUME_SEED ?? 1);
const READERS = 12;
/** The service notes once per second that it is listening. */
const MAX_BEFORE_END_MS = 2_500;
const ENDS: readonly NodeJS.Signals[] = IS_FULL ? ["SIGTERM", "SIGKILL"] : ["SIGKILL"];

for (const fanout of modesOf("frames"))
  describe(`a graph restart under load, ${fanout}`, { skip: real.skip || ONLY_FULL }, () => {
    const stops: (() => void | Promise<void>)[] = [];
    afterEach(async () => {
      for (const stop of stops.splice(0).reverse()) await stop();
    });

    for (const signal of ENDS)
      it(`${signal} - replays what was stored, then one resync whose since covers the rest`, async () => {
        const network = await TestNetwork.start({ broker: real, shares: [], fleet: [fanout, fanout] });
        stops.push(() => network.stop());
        const directory = join(tempDir(), "graph");
        const serve = (): Promise<EnckeCommand> =>
          EnckeCommand.start(["graph", "serve", "--data", directory, "--admin-port", "0"], /graph of/, {
            env: { NATS_URL: urlOf(network.broker) },
          });
        let graph = await serve();
        stops.push(() => graph.stop());
        await network.ready();
        const edges = (): URL[] => network.edges.map((_, edge) => network.url("/", edge));
        const crowd = await Crowd.gather(
          { client: network.client, edges, random: new Random(SEED), fanout },
          READERS,
        );
        stops.push(() => crowd.leave());
        const { ledger, load, topics, members } = crowd;
        const publishes = (count: number): Promise<void> => {
          const total = ledger.total + count;
          return waitFor("further events", () => crowd.fault !== undefined || ledger.total >= total);
        };
        // a reader that is cut right after a resync must not be told again
        crowd.onBlock = (_, { kind }) => kind !== "resync";
        // some topics with events that may be lost while no graph listens, others with confirmed ones
        load.start(topics.slice(0, 6));
        load.startConfirmed(topics.slice(6));
        crowd.churn(true);
        await publishes(300);
        const endedAtMs = performance.timeOrigin + performance.now();
        graph.kill(signal);
        await graph.untilExit();
        await publishes(100);
        graph = await serve();
        await network.ready();
        await publishes(200);
        await crowd.settle();
        const verdict = crowd.assertProtocol();
        assert.deepEqual(
          faultsOf(verdict),
          { ...FLAWLESS, resyncs: READERS },
          `${JSON.stringify(verdict.examples, null, 1)}`,
        );
        for (const { received } of members) {
          const [{ reason, since = "" } = { reason: "none" }, ...others] = received.holes;
          assert.deepEqual([reason, others], ["graph-restarted", []], received.name);
          const before = endedAtMs - Date.parse(since);
          assert.ok(before < MAX_BEFORE_END_MS, `since ${before} ms before the end`);
        }
      });
  });

describe("encke up, killed right after its last reply", { skip: ONLY_FULL }, () => {
  const EVENTS = IS_FULL ? 10_000 : 400;
  /** None of them is in the generated graph. */
  const USERS = ["ann", "bob", "carl", "dora"];
  const directory = join(tempDir(), "graph");
  const stops: (() => void | Promise<void>)[] = [];
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const up = async (): Promise<{ command: EnckeCommand; edge: URL; client: BrokerClient }> => {
    const bounds = ["--replay-events", String(EVENTS)];
    const args = ["up", "--data", directory, "--users", "50", "--broker", "embedded", ...bounds];
    const command = await EnckeCommand.start(args, /Ctrl-C/, { env: { TMPDIR: tempDir() } });
    const client = await connectClient({ url: command.find(/at (nats:\S+)/) });
    stops.push(async () => {
      await client.close();
      await command.stop();
    });
    return { command, client, edge: new URL(command.find(/page +(\S+)/)) };
  };

  it(`${EVENTS} events answered while readers are away - are all replayed after the restart`, async () => {
    let running = await up();
    const ledger = new Ledger();
    const readers = USERS.map((user, nth) => {
      const received = ledger.addReader(user);
      const reader = new ReturningReader({
        ...{ user, format: nth % 2 === 0 ? "sse" : "ndjson", edge: () => running.edge },
        onBlock: (block) => {
          received.note(block);
          return true;
        },
      });
      return { received, reader };
    });
    stops.push(() => {
      for (const { reader } of readers) reader.leave();
    });
    const loadOf = (client: BrokerClient): Load =>
      new Load({ client, ledger, random: new Random(SEED), users: () => [], perSecond: 1 });
    const come = async (): Promise<void> => {
      for (const { reader } of readers) reader.come();
      await waitFor("every stream", () => readers.every(({ reader }) => reader.isReading));
    };
    const untilUpToDate = (): Promise<void> =>
      waitFor("every reader", () => readers.every(({ received }) => ledger.isUpToDate(received)));

    await come();
    const before = loadOf(running.client);
    for (const user of USERS) await before.request(user);
    await untilUpToDate();
    for (const { reader } of readers) reader.leave();
    for (let nth = 0; nth < EVENTS / USERS.length; nth += 1)
      await Promise.all(USERS.map((user) => before.request(user)));
    process.kill(running.command.pid, "SIGKILL");
    await running.command.untilExit();
    running = await up();
    await come();
    const later = loadOf(running.client);
    for (const user of USERS) await later.request(user);
    await untilUpToDate();
    for (const { reader } of readers) assert.equal(reader.fault, undefined);
    const verdict = ledger.check();
    assert.deepEqual(
      faultsOf(verdict),
      { ...FLAWLESS, resyncs: USERS.length },
      JSON.stringify(verdict.examples),
    );
    assert.ok(readers.every(({ received }) => received.holes[0]?.reason === "graph-restarted"));
  });
});
