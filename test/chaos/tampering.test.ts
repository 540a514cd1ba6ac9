// The checker of chaos over real streams that a proxy between edge and reader falsifies: it drops one event,
// doubles one, swaps two, or invents a resync. Each must be found.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { Random } from "../../graph/index.ts";
import { Ledger } from "../resume/checker.ts";
import { Load } from "../resume/load.ts";
import { ReturningReader } from "../resume/returning-reader.ts";
import { embedded } from "../support/brokers.ts";
import { forward } from "../support/forward.ts";
import { TestNetwork } from "../support/network.ts";
import { waitFor } from "../support/wait-for.ts";
import { type Failures, judge, NO_FAILURES } from "./verdict.ts";

const EVENTS = 10;
/** The event that is falsified. */
const VICTIM = 4;
const INVENTED = '{"resync":{"reason":"late","since":"2026-12-01T00:00:00.000Z","cursor":"-"}}\n';

/** What a proxy makes of one line with an event, given the one before. */
type Falsify = (line: string, n: number, before: string) => string;

const FALSIFIED: Readonly<Record<string, readonly [Falsify, Partial<Failures>]>> = {
  "nothing falsified": [(line) => line, {}],
  "one event dropped": [(line, n) => (n === VICTIM ? "" : line), { answeredLost: 1 }],
  "one event doubled": [(line, n) => (n === VICTIM ? line + line : line), { twice: 1, cursorsBack: 1 }],
  "two events swapped": [
    (line, n, before) => (n === VICTIM ? "" : n === VICTIM + 1 ? line + before : line),
    { disordered: 1, cursorsBack: 1 },
  ],
  "a resync invented": [
    (line, n) => (n === VICTIM ? INVENTED + line : line),
    { invented: 1, cursorsBack: 1 },
  ],
};

describe("the checker of chaos, over falsified streams", () => {
  let network: TestNetwork;
  before(async () => {
    network = await TestNetwork.start({ broker: embedded, fleet: ["frames"] });
    await network.ready();
  });
  after(() => network.stop());

  /** Starts a proxy that falsifies the lines of streams. */
  const startProxy = async (falsify: Falsify): Promise<Server> => {
    const { port } = network.url("/");
    const server = createServer((incoming, outgoing) => {
      const write = outgoing.write.bind(outgoing);
      let earlier = "";
      outgoing.write = (bytes: Buffer) => {
        const lines = bytes.toString().split(/(?<=\n)/u);
        for (const line of lines) {
          const n = /"n":(\d+)/.exec(line)?.[1];
          if (n === undefined) write(line);
          else write(falsify(line, Number(n), earlier));
          earlier = line;
        }
        return true;
      };
      forward(incoming, outgoing, { host: "127.0.0.1", port });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return server;
  };

  for (const [what, [falsify, expected]] of Object.entries(FALSIFIED))
    it(`${what} - is ${Object.keys(expected)[0] ?? "flawless"}`, async () => {
      const proxy = await startProxy(falsify);
      const url = new URL(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
      const ledger = new Ledger();
      const load = new Load({
        client: network.client,
        ledger,
        random: new Random(1),
        users: () => [],
        perSecond: 1,
      });
      const received = ledger.addReader("ann");
      const reader = new ReturningReader({
        ...{ user: "ann", format: "ndjson", edge: () => url },
        onBlock: (block) => {
          received.note(block);
          return true;
        },
      });
      try {
        reader.come();
        await waitFor("the stream to open", () => reader.isReading && reader.cursor !== undefined);
        for (let n = 0; n < EVENTS; n += 1) await load.request("ann");
        await waitFor("the last event", () => received.last("ann") === EVENTS - 1);
        const { failures, examples } = judge(ledger, []);
        assert.deepEqual(failures, { ...NO_FAILURES, ...expected }, examples.join("\n"));
        assert.equal(reader.fault, undefined);
      } finally {
        reader.leave();
        proxy.closeAllConnections();
        await new Promise((resolve) => proxy.close(resolve));
      }
    });
});
