// Where a replay is impossible, the reader is told so before the first event: once, with the reason and the
// time since which events may be missing. A page that fetches everything since then from its own API has, in
// the end, the same as one that missed nothing.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { EXPIRY_MS } from "../../broker/index.ts";
import { Random } from "../../graph/index.ts";
import { childrenOf } from "../../lib/processes.ts";
import { embedded, urlOf } from "../support/brokers.ts";
import { EnckeCommand } from "../support/command.ts";
import { TestNetwork } from "../support/network.ts";
import { waitFor } from "../support/wait-for.ts";
import type { Block, StreamFormat } from "./blocks.ts";
import { FLAWLESS, faultsOf, Ledger } from "./checker.ts";
import { modesOf, ONLY_FULL } from "./grounds.ts";
import { Load } from "./load.ts";
import type { Received } from "./received.ts";
import { ReturningReader } from "./returning-reader.ts";

/** The bound of a replay by default: docs/protocol.md. */
const MAX_REPLAYED = 1_000;
const SMALL_HISTORY = { maxRows: 200, maxAgeMs: 86_400_000, maxBytes: 1_073_741_824 };
const FORMATS: readonly StreamFormat[] = ["sse", "ndjson"];

for (const fanout of modesOf("subject"))
  describe(`a gap that cannot be replayed, ${fanout}`, { skip: ONLY_FULL }, () => {
    const stops: (() => void | Promise<void>)[] = [];
    let ledger: Ledger;
    let load: Load;
    let network: TestNetwork;
    let readers: { readonly received: Received; readonly reader: ReturningReader; blocks: Block[] }[];

    afterEach(async () => {
      for (const stop of stops.splice(0).reverse()) await stop();
    });

    /** Starts a network on which one reader of each format has a stream and has received one event. */
    const start = async (history?: typeof SMALL_HISTORY): Promise<void> => {
      network = await TestNetwork.start({ broker: embedded, fleet: [fanout], ...(history && { history }) });
      stops.push(() => network.stop());
      await network.ready();
      ledger = new Ledger();
      load = new Load({
        ...{ client: network.client, ledger, random: new Random(1), users: () => [], perSecond: 1 },
      });
    };
    const open = async (edge = (): URL => network.url("/")): Promise<void> => {
      readers = FORMATS.map((format) => {
        const received = ledger.addReader("ann");
        const blocks: Block[] = [];
        const onBlock = (block: Block): boolean => {
          blocks.push(block);
          received.note(block);
          return true;
        };
        const reader = new ReturningReader({ user: "ann", format, edge, onBlock });
        stops.push(() => reader.leave());
        return { received, reader, blocks };
      });
      await come();
      await load.request("ann");
      await untilUpToDate();
    };
    const come = async (): Promise<void> => {
      for (const { reader } of readers) reader.come();
      await waitFor("every stream", () => readers.every(({ reader }) => reader.isReading));
    };
    const leave = (): void => {
      for (const { reader, blocks } of readers) {
        reader.leave();
        blocks.length = 0;
      }
    };
    const untilUpToDate = (): Promise<void> =>
      waitFor("every reader to be up to date", () =>
        readers.every(({ received }) => ledger.isUpToDate(received)),
      );
    /** Fails unless each reader was told once, before the first event, and the page then has everything. */
    const assertTold = (reason: string, isSinceKnown = true): void => {
      for (const { blocks, reader } of readers) {
        assert.equal(reader.fault, undefined);
        const told = blocks.find(({ kind }) => kind !== "welcome");
        assert.equal(told?.kind, "resync");
        assert.equal(told.hole?.reason, reason);
        assert.equal(told.hole.since !== undefined, isSinceKnown);
      }
      const verdict = ledger.check();
      const { resyncs, lost, twice, outOfOrder, cursorsBack } = faultsOf(verdict);
      assert.deepEqual(
        { resyncs, lost, twice, outOfOrder, cursorsBack },
        { resyncs: readers.length, lost: 0, twice: 0, outOfOrder: 0, cursorsBack: 0 },
        JSON.stringify(verdict.examples, null, 1),
      );
    };

    it("more events than a replay may have - is too-many", async () => {
      await start();
      await open();
      leave();
      for (let n = 0; n <= MAX_REPLAYED; n += 1) load.publish("ann", 10);
      await load.request("ann");
      await come();
      await load.request("ann");
      await untilUpToDate();
      assertTold("too-many");
    });

    it("exactly as many events as a replay may have - are replayed", async () => {
      await start();
      await open();
      leave();
      for (let n = 0; n < MAX_REPLAYED - 1; n += 1) load.publish("ann", 10);
      await load.request("ann");
      await come();
      await untilUpToDate();
      assert.deepEqual(faultsOf(ledger.check()), FLAWLESS);
    });

    it("events that the history has deleted - are too-old", async () => {
      await start(SMALL_HISTORY);
      await open();
      leave();
      await load.request("ann");
      for (let n = 0; n < 2 * SMALL_HISTORY.maxRows; n += 1) load.publish("bob", 10);
      await load.request("bob");
      const isDeleted = async (): Promise<boolean> => {
        const text = (await network.graphs[0]?.metrics.registry.metrics()) ?? "";
        const stored = /^encke_graph_history_events(?:\{\S*\})? (\d+)$/m.exec(text)?.[1];
        assert.ok(stored !== undefined, "the metric of stored events");
        return Number(stored) <= 1.2 * SMALL_HISTORY.maxRows;
      };
      await waitFor("the oldest events to be deleted", isDeleted);
      await come();
      await load.request("ann");
      await untilUpToDate();
      assertTold("too-old");
    });

    const unknown: Readonly<Record<string, (cursor: string) => string>> = {
      "a text that is no cursor": () => "1234",
      "a cursor of another history": (cursor) => cursor.replace(/(?<=~\w+\.)\w+/, "zz"),
      "a cursor of the future": (cursor) => cursor.replace(/\w+$/, "zzzzz"),
    };
    for (const [what, cursorOf] of Object.entries(unknown))
      it(`${what} - is unknown-cursor, and the page reloads everything`, async () => {
        await start();
        await open();
        leave();
        for (const { reader } of readers) reader.cursor = cursorOf(reader.cursor ?? "");
        await load.request("ann");
        await come();
        await load.request("ann");
        await untilUpToDate();
        assertTold("unknown-cursor", false);
      });

    it("an edge that missed more than the history has - tells its readers, who come to the same in the end", async () => {
      await start(SMALL_HISTORY);
      const command = await EnckeCommand.start(
        ["edge", "--port", "0", "--admin-port", "0", "--fanout", fanout],
        /edge at/,
        { env: { NATS_URL: urlOf(network.broker) } },
      );
      stops.push(() => command.stop());
      const url = new URL(command.find(/edge at (\S+),/));
      const [worker = 0] = childrenOf(command.pid);
      await open(() => url);
      process.kill(worker, "SIGSTOP");
      try {
        await load.request("ann");
        const stoppedAt = performance.now();
        await waitFor("the edge to expire", () => performance.now() > stoppedAt + EXPIRY_MS + 1_500);
        for (let n = 0; n < 2 * SMALL_HISTORY.maxRows; n += 1) load.publish("bob", 10);
        await load.request("bob");
        await waitFor("the deletion", () => performance.now() > stoppedAt + EXPIRY_MS + 4_500);
      } finally {
        process.kill(worker, "SIGCONT");
      }
      await load.request("ann");
      await untilUpToDate();
      const verdict = ledger.check();
      const { lost, twice, outOfOrder, resyncs } = faultsOf(verdict);
      assert.deepEqual({ lost, twice, outOfOrder }, { lost: 0, twice: 0, outOfOrder: 0 });
      assert.ok(resyncs <= readers.length, `${resyncs} resyncs`);
    });
  });
