// Many edge workers on one port: one dies under load, and a slow reader returns to any of them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { defaultPoolKind } from "../edge/index.ts";
import { ReturningReader } from "./resume/returning-reader.ts";
import { real } from "./support/brokers.ts";
import { connectClient } from "./support/client.ts";
import { Services } from "./support/services.ts";
import { waitFor } from "./support/wait-for.ts";
import { killOneWorker } from "./support/worker-death.ts";

describe("edge workers", { skip: real.skip }, () => {
  it("one of four killed under load - its streams reopen elsewhere within 10 s, and no other stream is cut", {
    skip: defaultPoolKind() === "native" ? false : "workers on sockets of their own need the native pool",
  }, async () => {
    const death = await killOneWorker(4, 800, 500);
    assert.ok(death.heldByVictim > 100 && death.heldByVictim < 300, `${death.heldByVictim} of 800 streams`);
    assert.equal(death.cut, death.heldByVictim);
    assert.ok(death.secondsUntilBack < 10, `${death.secondsUntilBack} s`);
  });

  it("reader cut as slow twice - is told by every worker to stay away longer", {
    skip: defaultPoolKind() === "native" ? false : "workers on sockets of their own need the native pool",
  }, async () => {
    const services = await Services.start({
      broker: "nats-server",
      fanout: "frames",
      edge: ["--workers", "2"],
    });
    const client = await connectClient({ url: services.nats });
    const cuts = async (): Promise<number> => {
      const metrics = await (await fetch(new URL("/metrics", services.admin))).text();
      return Number(/^encke_edge_closed_total\{reason="slow"\} (\d+)$/m.exec(metrics)?.[1]);
    };
    const retries: number[] = [];
    let last: unknown;
    const readerOf = (): ReturningReader =>
      new ReturningReader({
        ...{ user: "ann", format: "sse", edge: () => services.edge },
        onBlock: ({ event, retryMs }) => {
          last = event?.data ?? last;
          if (retryMs !== undefined) retries.push(retryMs);
          return true;
        },
      });
    const slow = readerOf();
    const others = Array.from({ length: 16 }, readerOf);
    try {
      slow.come();
      for (let cut = 1; cut <= 2; cut += 1) {
        await waitFor("the stream", () => slow.isReading);
        client.publish("event.ann", `live ${cut}`);
        await waitFor("the end of what it missed", () => last === `live ${cut}`);
        slow.freeze(true);
        await waitFor("the cut", async () => {
          for (let sent = 0; sent < 20; sent += 1) client.publish("event.ann", "x".repeat(60_000));
          await client.flush();
          return (await cuts()) === cut;
        });
        slow.freeze(false);
        await waitFor("the return", () => slow.connections === cut + 1);
      }
      slow.leave();
      await delay(500); // the workers have told each other
      retries.length = 0;
      for (const reader of others) reader.come();
      await waitFor("every stream", () => retries.length === others.length);
      assert.ok(
        retries.every((ms) => ms >= 2_000 && ms < 6_000),
        String(retries),
      );
    } finally {
      for (const reader of [slow, ...others]) reader.leave();
      await client.close();
      await services.stop();
    }
  });
});
