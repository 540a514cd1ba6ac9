// Services as processes while their wall clock is set by an hour, forward and back, and NATS dies in between:
// all timing uses the monotonic clock, except the ends of tokens.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { BrokerClient } from "../broker/index.ts";
import { real } from "./support/brokers.ts";
import { connectClient } from "./support/client.ts";
import { Reader } from "./support/reader.ts";
import { Services } from "./support/services.ts";
import { KEY } from "./support/tokens.ts";
import { waitFor } from "./support/wait-for.ts";
import { skipWallClock, WallClock } from "./support/wall-clock.ts";

const HOUR_S = 3_600;
/**
 * Long enough for some beats, silence checks and pool sweeps: anything that used the wall clock would have
 * acted.
 */
const OBSERVED_MS = 3_000;
/** The clock is set this often, so that each check would find earlier timestamps hours away. */
const STEP_MS = 50;
const skip = skipWallClock || real.skip;

// the tests mostly wait, so both setups run at once
describe("the wall clock is set", { skip, concurrency: 2 }, () => {
  for (const [fanout, pool] of [
    ["frames", "native"],
    ["subject", "plain"],
  ] as const) {
    describe(`${fanout} fan-out, ${pool} pool`, { concurrency: 1 }, () => {
      const clock = new WallClock();
      let services: Services;
      let client: BrokerClient;
      let reader: Reader;
      let sent = 0;
      let ahead = 0;

      /** Sends a counted event and returns its deliveries; 0 while a connection is still missing. */
      const deliveredNow = async (): Promise<number> => {
        const reply = await client.request("event.rj", `event ${sent + 1}`, 2_000).catch(() => undefined);
        if (reply === undefined) return 0;
        sent += 1;
        return reply.json<{ delivered: number }>().delivered;
      };
      const resyncs = (): number => reader.text.split('"resync"').length - 1;

      before(async () => {
        services = await Services.start({
          ...{ broker: "nats-server", fanout, env: clock.env },
          edge: ["--pool", pool, "--heartbeat", "1s", "--max-stream-age", "1h"],
        });
        client = await connectClient({ url: services.nats });
        assert.equal((await services.encke("graph", "add", "alice", "rj")).exit, 0);
        reader = await Reader.open(new URL("/stream?user=alice", services.edge));
      });
      after(async () => {
        reader?.close();
        await client?.close();
        await services?.stop();
      });

      for (const [direction, step] of [
        ["forward", HOUR_S],
        ["back", -2 * HOUR_S],
        ["forward again", HOUR_S],
      ] as const) {
        it(`${direction} by hours, many times between two beats - ends no stream and causes no resync`, async () => {
          const before = resyncs();
          for (const fromMs = performance.now(); performance.now() - fromMs < OBSERVED_MS; ) {
            ahead += step;
            clock.set(ahead);
            assert.equal(await deliveredNow(), 1);
            await delay(STEP_MS);
          }
          assert.equal(resyncs(), before, reader.text.slice(-200));
          assert.equal(reader.ended, undefined, reader.text.slice(-200));
        });

        it(`${direction}, and NATS is killed - everything reconnects within seconds`, async () => {
          const before = resyncs();
          services.killBroker();
          await waitFor("an event to arrive", async () => (await deliveredNow()) === 1, 10_000);
          await services.ready();
          assert.equal(resyncs(), before, reader.text.slice(-200));
          assert.equal(reader.ended, undefined);
        });
      }
    });
  }

  it("a token that expires by the wall clock - ends its stream within a heartbeat in both pools, and no other stream", async () => {
    const clock = new WallClock();
    const services = await Services.start({ broker: "nats-server", env: clock.env });
    try {
      const tokenFor = async (ttl: string): Promise<string> =>
        (await services.encke("token", "--sub", "alice", "--ttl", ttl, "--jwt-key", KEY)).stdout.trim();
      const [short, long] = [await tokenFor("30m"), await tokenFor("3h")];
      for (const pool of ["native", "plain"]) {
        clock.set(0);
        const edge = services.edgeOf(
          await services.startEdge("--pool", pool, "--heartbeat", "1s", "--jwt-key", KEY),
        );
        const read = (token: string): Promise<Reader> =>
          Reader.open(new URL("/stream", edge), { Authorization: `Bearer ${token}` });
        const [ends, stays] = [await read(short), await read(long)];
        clock.set(HOUR_S);
        await ends.until(/"goodbye":\{"reason":"expired"/);
        await ends.untilEnded();
        assert.doesNotMatch(stays.text, /goodbye/);
        assert.equal(stays.ended, undefined);
        stays.close();
      }
    } finally {
      await services.stop();
    }
  });
});
