// Readers that do not read: each is cut at its byte bound, comes back with its cursor, and has everything
// once. One that is cut again and again is told to stay away longer each time.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../graph/index.ts";
import { embedded } from "../support/brokers.ts";
import { TestNetwork } from "../support/network.ts";
import { waitFor } from "../support/wait-for.ts";
import { Ledger } from "./checker.ts";
import { groundsOf } from "./grounds.ts";
import { Load } from "./load.ts";
import { ReturningReader } from "./returning-reader.ts";

/** The pool's bound and the kernel's buffers hold some hundred of them, fewer than a replay may have. */
const EVENT_BYTES = 60 * 1_024;
const MAX_EVENTS = 500;
/** From the first cut on, in seconds: `retry:` is random between these. */
const RETRIES: readonly (readonly [number, number])[] = [
  [1, 3],
  [2, 6],
  [4, 12],
];

for (const { fanout, pool } of groundsOf())
  for (const [format, times] of [
    ["sse", RETRIES.length],
    ["ndjson", 1],
  ] as const)
    describe(`slow reader of ${format}, ${fanout}, ${pool} pool`, () => {
      it(`cut at its byte bound ${times} times - misses nothing, and is told to stay away longer`, async () => {
        const network = await TestNetwork.start({ broker: embedded, fleet: [fanout], edge: { pool } });
        await network.ready();
        const { client } = network;
        const ledger = new Ledger();
        const load = new Load({ client, ledger, random: new Random(1), users: () => [], perSecond: 1 });
        const received = ledger.addReader("ann");
        const retries: (number | undefined)[] = [];
        const reader = new ReturningReader({
          ...{ user: "ann", format, edge: () => network.url("/") },
          onBlock: (block) => {
            received.note(block);
            if (block.kind === "welcome") retries.push(block.retryMs);
            return true;
          },
        });
        try {
          reader.come();
          await waitFor("the stream to open", () => reader.isReading);
          for (let cuts = 1; cuts <= times; cuts += 1) {
            reader.freeze(true);
            for (let sent = 0; (await streamsOf(network)) > 0; sent += 1) {
              assert.ok(sent < MAX_EVENTS, "the reader is not cut");
              await load.request("ann", EVENT_BYTES);
            }
            await load.request("ann"); // while the reader is away
            reader.freeze(false);
            await waitFor("what the reader missed", () => ledger.isUpToDate(received));
            assert.equal(reader.connections, cuts + 1);
          }
          await load.request("ann");
          await waitFor("the last event", () => ledger.isUpToDate(received));
        } finally {
          reader.leave();
          await network.stop();
        }
        assert.deepEqual([received.holes, reader.fault], [[], undefined]);
        const numbers = received.numbers.get("ann");
        assert.deepEqual(
          numbers,
          Array.from({ length: received.count }, (_, n) => n),
        );
        assert.equal(ledger.total, received.count);
        if (format === "ndjson") return;
        for (const [cut, [min, max]] of RETRIES.entries()) {
          const retry = (retries[cut + 1] ?? 0) / 1_000;
          assert.ok(retry >= min && retry < max, `retry ${retries} after ${cut + 1} cuts`);
        }
      });
    });

async function streamsOf({ client }: TestNetwork): Promise<number> {
  return (await client.request("edge.status", "", 2_000)).json<{ streams: number }>().streams;
}
