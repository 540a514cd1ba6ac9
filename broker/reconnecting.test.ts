// Lost connections while the wall clock is set: the client reconnects by the monotonic clock. Only the clock
// is replaced here; test/wall-clock.test.ts sets the clock of whole processes.

import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { afterEach, describe, it, mock } from "node:test";
import { createLogger } from "../lib/log.ts";
import { brokers, embedded, type TestBroker, urlOf } from "../test/support/brokers.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { BrokerClient } from "./client.ts";

const HOUR_MS = 3_600_000;
/** Enough for some attempts at each of two servers; the library's own pauses are half a second at most. */
const PATIENCE_MS = 5_000;

describe("NATS client and the wall clock", () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  let offsetMs = 0;

  const jump = (ms: number): void => {
    offsetMs += ms;
    mock.method(Date, "now", () => performance.timeOrigin + performance.now() + offsetMs);
  };
  const connectTo = async (...urls: string[]): Promise<BrokerClient> => {
    const log = createLogger("test", "silent");
    const client = await BrokerClient.connect({ url: urls.join(",") }, { name: "test", log, wait: false });
    cleanUps.push(() => client.close());
    return client;
  };
  const started = async (broker = embedded, ports: readonly number[] = []): Promise<TestBroker> => {
    const running = await broker.start(ports);
    cleanUps.push(() => running.stop());
    return running;
  };
  const untilLost = (client: BrokerClient): Promise<void> =>
    waitFor("the connection to be lost", () => !client.connected, PATIENCE_MS);
  const untilBack = (client: BrokerClient): Promise<void> =>
    waitFor("the client to reconnect", () => client.connected, PATIENCE_MS);

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    mock.restoreAll();
    offsetMs = 0;
  });

  for (const broker of brokers) {
    for (const [name, ms] of [
      ["back", -HOUR_MS],
      ["forward", HOUR_MS],
    ] as const) {
      it(`clock set ${name} an hour, ${broker.name} restarts - reconnects within seconds`, {
        skip: broker.skip,
      }, async () => {
        const running = await started(broker);
        const client = await connectTo(urlOf(running));
        jump(ms);
        await running.stop();
        await untilLost(client);
        await started(broker, running.ports);
        await untilBack(client);
      });
    }
  }

  it("clock set back while two servers are tried - reconnects to the one that returns, whichever it is", async () => {
    const [one, two] = [await started(), await started()];
    const client = await connectTo(urlOf(one), urlOf(two));
    await one.stop(); // both have been tried once, in either order
    await untilBack(client);
    await two.stop();
    await untilLost(client);
    for (const returning of [one, two, one]) {
      jump(-HOUR_MS);
      const running = await started(embedded, returning.ports);
      await untilBack(client);
      await running.stop();
      await untilLost(client);
    }
  });

  it("clock set while the client waits for its server - keeps trying at the same rate", async () => {
    const running = await started();
    const client = await connectTo(urlOf(running));
    await running.stop();
    await untilLost(client);
    const refusing = await refuseAt(running.ports[0] ?? 0);
    cleanUps.push(refusing.stop);
    await refusing.untilAttempts(2);
    for (const ms of [-HOUR_MS, HOUR_MS, HOUR_MS, -2 * HOUR_MS]) {
      jump(ms);
      const fromMs = performance.now();
      await refusing.untilAttempts(refusing.attempts() + 4);
      assert.ok(
        performance.now() - fromMs >= 3 * 240,
        "one attempt at once, the others 250 ms apart or more",
      );
    }
    await refusing.stop();
    await started(embedded, running.ports);
    await untilBack(client);
  });
});

/** A server that accepts and closes connections, and counts attempts. */
async function refuseAt(port: number): Promise<{
  attempts(): number;
  untilAttempts(count: number): Promise<void>;
  stop(): Promise<void>;
}> {
  let attempts = 0;
  const server: Server = createServer((socket) => {
    attempts += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    attempts: () => attempts,
    untilAttempts: (count) => waitFor(`attempt ${count}`, () => attempts >= count, PATIENCE_MS),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
