// The client on servers whose limits are lower than what it would send. Regression: a publish threw, even
// from timers and callbacks, and that ended the process.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { pino } from "pino";
import { createLogger } from "../lib/log.ts";
import { type BrokerUnderTest, embeddedWith, realWith, type TestBroker } from "../test/support/brokers.ts";
import { NatsProcess } from "../test/support/nats-process.ts";
import { natsServers } from "../test/support/nats-servers.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { BrokerClient } from "./client.ts";
import { encodeEvent } from "./event.ts";
import { errorHeaders } from "./headers.ts";
import { checkEncoded } from "./limits.ts";
import { serviceErrorOf } from "./message.ts";
import { parseTopic } from "./names.ts";

const LIMIT = 20_000;
const quiet = createLogger("test", "silent");

describe("the encoded size of an event", () => {
  const encode = (payload: string): Uint8Array =>
    encodeEvent("0-mx3v2vti-zz", parseTopic("42"), new Date(0), new TextEncoder().encode(payload));

  it("the largest payload in the worst encoding - fits 400 KiB", () => {
    checkEncoded(encode("\u0001".repeat(65_536)), 409_600);
  });

  it("an event that does not fit - is refused with both numbers", () => {
    const json = encode('"'.repeat(40_000));
    assert.throws(() => checkEncoded(json, 65_536), {
      code: "PAYLOAD_TOO_LARGE",
      message: new RegExp(`has ${json.length} bytes once encoded, and at most 64512 fit .* of 65536`),
    });
  });
});

const limited: readonly ((maxPayload: number) => BrokerUnderTest)[] = [
  embeddedWith,
  ...natsServers.map((server) => (maxPayload: number) => realWith({ server, maxPayload })),
];

for (const brokerWith of limited) {
  const broker = brokerWith(LIMIT);
  describe(`a client of ${broker.name}`, { skip: broker.skip }, () => {
    let running: TestBroker;
    const lines: string[] = [];
    const open: BrokerClient[] = [];
    const connect = async (wait = true): Promise<BrokerClient> => {
      const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
      const client = await BrokerClient.connect({ url: running.urls[0] ?? "" }, { name: "test", log, wait });
      open.push(client);
      return client;
    };
    before(async () => {
      running = await broker.start();
    });
    after(async () => {
      for (const client of open) await client.close();
      await running.stop();
    });

    it("a message that is too large - returns a result, is counted, and the connection stays open", async () => {
      const client = await connect();
      const got: number[] = [];
      client.subscribe("sizes", ({ data }) => got.push(data.length));
      assert.equal(client.maxPayload, LIMIT);
      assert.equal(client.publish("sizes", new Uint8Array(LIMIT + 1)), "unfit");
      assert.equal(client.publish("sizes", new Uint8Array(LIMIT)), "sent");
      const headers = errorHeaders(400, "headers count");
      assert.equal(client.publish("sizes", new Uint8Array(LIMIT), { headers }), "unfit");
      await client.flush();
      assert.deepEqual(got, [LIMIT]);
      assert.deepEqual([client.unfitPublishes, client.refusedPublishes, client.reconnects], [2, 0, 0]);
    });

    it("a request that is too large - fails with both numbers and is not sent", async () => {
      const client = await connect();
      await assert.rejects(client.request("sizes.asked", "x".repeat(LIMIT + 1), 1_000), {
        code: "PAYLOAD_TOO_LARGE",
        message: /has 20001 bytes, and NATS' max_payload is 20000/,
      });
    });

    it("a reply that is too large - becomes an error with both numbers", async () => {
      const [server, asker] = [await connect(), await connect()];
      server.subscribe("asked", (message) => server.respond(message, "x".repeat(LIMIT + 1)));
      await server.flush();
      const problem = serviceErrorOf(await asker.request("asked", "", 2_000));
      assert.equal(problem?.code, 413);
      assert.match(problem?.message ?? "", /the reply has 20001 bytes, and NATS' max_payload is 20000/);
    });

    it("a micro service with very many endpoints - replies to INFO and STATS with an error, and keeps serving", async () => {
      const [server, asker] = [await connect(), await connect()];
      const rejections: unknown[] = [];
      const note = (reason: unknown): void => void rejections.push(reason);
      process.on("unhandledRejection", note);
      const endpoints = Array.from({ length: 400 }, (_, n) => ({
        name: `endpoint-${n}`,
        subject: `many.${n}`,
        description: "replies that it is here",
        handle: () => "here",
      }));
      const served = server.addService({ name: "many", description: "has many endpoints" }, endpoints);
      await server.flush();
      for (const verb of ["INFO", "STATS"]) {
        const problem = serviceErrorOf(await asker.request(`$SRV.${verb}.many`, "", 2_000));
        assert.equal(problem?.code, 413, verb);
      }
      assert.equal((await asker.request("many.399", "", 2_000)).string(), "here");
      await turn();
      process.off("unhandledRejection", note);
      assert.deepEqual(rejections, []);
      await served.stop();
    });

    it("a closed connection - returns a result, also for replies", async () => {
      const client = await connect();
      let kept: Parameters<typeof client.respond>[0] | undefined;
      client.subscribe("kept", (message) => {
        kept = message;
      });
      client.publish("kept", "", { reply: "nowhere" });
      await client.flush();
      await client.close();
      assert.equal(client.publish("kept", "x"), "away");
      assert.ok(kept !== undefined);
      client.respond(kept, "x");
      assert.equal(client.refusedPublishes, 2);
    });

    it("a server with a small max_payload - causes one warning in a service, and none in a command", async () => {
      lines.length = 0;
      const [service, command] = [await connect(true), await connect(false)];
      assert.equal(service.unfit ?? command.unfit, undefined);
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /"maxPayload":20000,"wanted":409600,.*raise max_payload/);
    });

    it("another max_payload after a restart - applies from the reconnect on", async () => {
      const client = await connect();
      for (const maxPayload of [8_000, 1_048_576, LIMIT]) {
        await running.stop();
        await waitFor("the connection to be lost", () => !client.connected);
        running = await brokerWith(maxPayload).start(running.ports);
        await waitFor("the connection to be back", () => client.connected);
        assert.equal(client.maxPayload, maxPayload);
        assert.equal(client.publish("a", new Uint8Array(9_000)), maxPayload < 9_000 ? "unfit" : "sent");
        const why = `NATS takes at most 8000 bytes in a message, and 16384 are needed: raise max_payload`;
        assert.equal(client.unfit, maxPayload < 9_000 ? why : undefined);
      }
    });
  });
}

for (const server of natsServers) {
  describe(`a client of ${server.name} with other limits`, { skip: server.skip }, () => {
    it("an account's own max_payload - applies, although it arrives in a later INFO", async () => {
      const users = "users: [{ user: a, password: a }]";
      const running = await NatsProcess.start(
        server,
        `accounts { A { ${users}, limits { max_payload: ${LIMIT} } } }\n`,
      );
      const nats = { url: running.url, user: "a", password: "a" };
      const client = await BrokerClient.connect(nats, { name: "test", log: quiet, wait: false });
      try {
        await waitFor("the account's limit", () => client.maxPayload === LIMIT);
        assert.equal(client.publish("a", new Uint8Array(LIMIT + 1)), "unfit");
      } finally {
        await client.close();
        await running.stop();
      }
    });

    it("a max_payload lowered by a reload - causes one reconnect, at which the client learns it", async () => {
      const running = await NatsProcess.start(server);
      const client = await BrokerClient.connect(
        { url: running.url },
        { name: "test", log: quiet, wait: false },
      );
      try {
        await running.reload(`max_payload: ${LIMIT}\n`);
        assert.equal(client.publish("a", new Uint8Array(LIMIT + 1)), "sent", "no INFO came");
        await waitFor("the client to be back", () => client.reconnects === 1);
        assert.equal(client.publish("a", new Uint8Array(LIMIT + 1)), "unfit");
        await client.flush();
        assert.equal(client.reconnects, 1);
      } finally {
        await client.close();
        await running.stop();
      }
    });

    it("a server without headers - makes nothing throw, and the reason names the setting", async () => {
      const running = await NatsProcess.start(server, "no_header_support: true\n");
      const client = await BrokerClient.connect(
        { url: running.url },
        { name: "test", log: quiet, wait: false },
      );
      try {
        assert.equal(client.publish("a", "", { headers: errorHeaders(400, "x") }), "unfit");
        assert.match(client.unfit ?? "", /no headers: remove no_header_support/);
      } finally {
        await client.close();
        await running.stop();
      }
    });
  });
}
