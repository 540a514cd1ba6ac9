// NATS servers that restart with another max_payload, even one that is too small for Encke.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FanoutMode } from "../../broker/index.ts";
import { embeddedWith, realWith } from "../support/brokers.ts";
import { natsServers } from "../support/nats-servers.ts";
import { TestNetwork } from "../support/network.ts";
import type { Reader } from "../support/reader.ts";
import { waitFor } from "../support/wait-for.ts";
import { countOf, FANOUTS, MIN } from "./limits.ts";

describe("a server with a max_payload that is too small", () => {
  const TINY = 8_192;

  it("below 16 KiB - makes graph and edge not ready with the reason, until a larger server comes back", async () => {
    const network = await TestNetwork.start({
      broker: embeddedWith(),
      fleet: ["subject", "frames"],
      follows: [["7", "42"]],
    });
    await network.ready();
    const why = `NATS takes at most ${TINY} bytes in a message, and ${MIN} are needed: raise max_payload`;
    const readiness = (): (string | undefined)[] =>
      [...network.edges, ...network.graphs.map(({ service }) => service)].map(({ notReady }) => notReady);
    await network.broker.stop();
    network.broker = await embeddedWith(TINY).start(network.broker.ports);
    await waitFor("the reason at every service", () => readiness().every((reason) => reason === why));
    network.client.publish("event.42", "x".repeat(7_000));
    await network.client.flush();
    await network.broker.stop();
    await network.restartBroker(embeddedWith());
    await network.ready();
    assert.equal((await network.send("event.42", "recovered")).recipients, 2);
    await network.stop();
  });

  it("a few hundred bytes - still lets graph and edge start", async () => {
    const broker = await embeddedWith(200).start();
    const network = await TestNetwork.start({
      broker: { ...embeddedWith(), start: async () => broker },
      shares: [],
      fleet: [],
    });
    const edge = await network.startEdge({ fanout: "frames" });
    assert.match(edge.notReady ?? "", /at most 200 bytes/);
    await network.stop();
  });
});

for (const server of natsServers) for (const fanout of FANOUTS) testRestart(server, fanout);

function testRestart(server: (typeof natsServers)[number], fanout: FanoutMode): void {
  const large = realWith({ server });
  const small = realWith({ server, maxPayload: 65_536 });
  describe(`a restart with a smaller max_payload, ${fanout} fan-out, ${server.name}`, {
    skip: server.skip,
  }, () => {
    it("under load - readers miss no accepted event, or are told, and no process ends", async () => {
      const network = await TestNetwork.start({
        broker: large,
        fleet: [fanout, fanout],
        follows: [
          ["7", "42"],
          ["9", "42"],
        ],
      });
      await network.ready();
      const readers = [
        await network.read("/stream?user=7", {}, 0),
        await network.read("/stream?user=9", {}, 1),
      ];
      const sizes = [10, 40_000, 64_000]; // of quotation marks, which take two bytes each once encoded
      let sent = 0;
      const publish = (): void => {
        sent += 1;
        network.client.publish("event.42", `${sent} ${'"'.repeat(sizes[sent % sizes.length] ?? 0)}`);
      };
      const load = setInterval(publish, 2);
      await waitFor("some events", () => readers.every(({ events }) => events.length > 50));
      await network.broker.stop();
      await waitFor("the client to notice the loss", () => !network.client.connected);
      await network.restartBroker(small);
      await network.ready();
      const numbersOf = ({ events }: Reader): number[] =>
        events.map(({ data }) => Number(/^\d+/.exec(String(data))?.[0] ?? 0));
      const back = sent;
      await waitFor("events after the restart", () =>
        readers.every((reader) => Math.max(...numbersOf(reader)) > back),
      );
      const first = sent + 1;
      await waitFor("more events", () => sent > first + 300);
      clearInterval(load);
      network.client.publish("event.42", "the end");
      const numbers = Array.from({ length: sent - first + 1 }, (_, index) => first + index);
      const fitting = numbers.filter((n) => sizes[n % sizes.length] === 10);
      for (const reader of readers) {
        await reader.until(/"data":"the end"/);
        assert.deepEqual(
          numbersOf(reader).filter((n) => n >= first),
          fitting,
        );
        // an event that was stored before may be too large for the server now
        for (const [, reason] of reader.text.matchAll(/"resync":\{"reason":"([a-z-]+)"/g))
          assert.equal(reason, "late");
      }
      assert.ok((await countOf(network.graphs, "rejected")) >= numbers.length - fitting.length);
      await network.stop();
    });
  });
}
