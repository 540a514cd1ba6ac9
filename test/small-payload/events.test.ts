// Events on NATS servers with a small max_payload: what can be split is split, and an event that does not fit
// once encoded is refused without an effect on readers. Regression: such an event threw in a timer and ended
// the graph, or caused a resync at every reader, and a long presence message was refused for ever.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { encodeEvent, parseTopic } from "../../broker/contract.ts";
import { type FanoutMode, serviceErrorOf } from "../../broker/index.ts";
import { type BrokerUnderTest, embeddedWith, realWith } from "../support/brokers.ts";
import { natsServers } from "../support/nats-servers.ts";
import { TestNetwork } from "../support/network.ts";
import type { Reader } from "../support/reader.ts";
import { waitFor } from "../support/wait-for.ts";
import { CARRIER_BYTES, countOf, FANOUTS, MIN } from "./limits.ts";

/** Payloads by name. JSON encoding makes some of them six times as long. */
const PAYLOADS: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "a word": bytes("hello"),
  "10,000 quotation marks": bytes('"'.repeat(10_000)),
  "40,000 quotation marks": bytes('"'.repeat(40_000)),
  "64 KiB of text": bytes("x".repeat(65_536)),
  "64 KiB of JSON": bytes(`[${"1,".repeat(32_766)}1]`),
  "64 KiB of control characters": bytes("\u0001".repeat(65_536)),
  "64 KiB that are not UTF-8": new Uint8Array(65_536).fill(0xff),
};

for (const fanout of FANOUTS) {
  for (const maxPayload of [MIN, 65_536, 409_600, 1_048_576]) {
    for (const server of natsServers) testEvents(realWith({ server, maxPayload }), maxPayload, fanout);
  }
  testEvents(embeddedWith(65_536), 65_536, fanout);
}

function testEvents(broker: BrokerUnderTest, maxPayload: number, fanout: FanoutMode): void {
  describe(`events over ${broker.name}, ${fanout} fan-out`, { skip: broker.skip }, () => {
    let network: TestNetwork;
    let reader: Reader;
    before(async () => {
      network = await TestNetwork.start({ broker, fleet: [fanout], follows: [["7", "42"]] });
      await network.ready();
      reader = await network.read("/stream?user=7");
    });
    after(() => network.stop());
    /** Expects that all accepted events have arrived, and nothing else. */
    const expectEvents = async (expected: number): Promise<void> => {
      network.client.publish("event.42", "mark");
      await reader.untilEvents(expected + 1);
      assert.equal(reader.events.length, expected + 1);
      assert.doesNotMatch(reader.text, /"resync"/);
    };

    it("many events at once - arrive in frames that fit", async () => {
      const before = reader.events.length;
      for (let n = 0; n < 300; n += 1) network.client.publish("event.42", `${n} ${"x".repeat(1_000)}`);
      await reader.untilEvents(before + 300);
      await expectEvents(before + 300);
    });

    for (const [name, payload] of Object.entries(PAYLOADS)) {
      const encoded = encodeEvent("0-mx3v2vti-1", parseTopic("42"), new Date(0), payload).length;
      const fits = encoded <= maxPayload - CARRIER_BYTES;
      const isSent = payload.length <= maxPayload;

      it(`${name} - ${fits ? "arrive" : "are refused with both numbers, and readers notice nothing"}`, async () => {
        const before = reader.events.length;
        const rejected = await countOf(network.graphs, "rejected");
        if (fits) {
          const reply = await network.client.request("event.42", payload, 5_000);
          assert.equal(reply.json<{ delivered: number }>().delivered, 1);
          network.client.publish("event.42", payload);
          network.client.publish("user.7", payload);
          await network.client.flush();
          await reader.untilEvents(before + 3);
          return expectEvents(before + 3);
        }
        const response = await fetch(network.url("/events/42"), { method: "POST", body: payload });
        assert.equal(response.status, 413);
        const { message } = (await response.json()) as { message: string };
        assert.match(message, new RegExp(`\\b${maxPayload}\\b`));
        if (isSent) {
          assert.match(message, /\b\d{5,6} bytes once encoded/);
          for (const subject of ["event.42", "user.7"]) {
            const problem = serviceErrorOf(await network.client.request(subject, payload, 5_000));
            assert.equal(problem?.code, 413, subject);
            network.client.publish(subject, payload);
          }
          await waitFor("the plain publish to be counted", async () => {
            // the POST, and a request and a publish per subject
            return (await countOf(network.graphs, "rejected")) === rejected + 5;
          });
        } else {
          await assert.rejects(network.client.request("event.42", payload, 5_000), {
            code: "PAYLOAD_TOO_LARGE",
          });
          assert.equal(network.client.publish("event.42", payload), "unfit");
        }
        await expectEvents(before);
        assert.equal(await countOf(network.graphs, "failed"), 0);
      });
    }
  });
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
