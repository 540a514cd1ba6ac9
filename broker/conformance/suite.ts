// The behaviour of every broker, embedded or real: the core NATS protocol as raw lines, and through the
// client that the services use. Where nats-server closes silently, ours may first say why.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { createLogger } from "../../lib/log.ts";
import type { BrokerUnderTest, TestBroker } from "../../test/support/brokers.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { BrokerClient } from "../client.ts";
import { eventHeaders } from "../headers.ts";
import type { Msg } from "../message.ts";
import { RawClient } from "./raw-client.ts";

/** Title, lines sent, expected reply. */
const EXCHANGES: readonly (readonly [string, string, string])[] = [
  ["PUB - reaches a subscriber", "SUB a 1\r\nPUB a 2\r\nhi\r\n", "MSG a 1 2\r\nhi\r\n"],
  ["PUB - an empty payload is a message", "SUB a 1\r\nPUB a 0\r\n\r\n", "MSG a 1 0\r\n\r\n"],
  [
    "PUB - a reply subject travels along",
    "SUB a 1\r\nPUB a inbox.9 2\r\nhi\r\n",
    "MSG a 1 inbox.9 2\r\nhi\r\n",
  ],
  [
    "PUB - a payload may hold line ends and protocol words",
    "SUB a 1\r\nPUB a 18\r\nSUB b 2\r\nPUB a 1\r\n\r\n",
    "MSG a 1 18\r\nSUB b 2\r\nPUB a 1\r\n\r\n",
  ],
  ["PUB - no subscriber, no reply subject: silence", "PUB absent 1\r\nx\r\n", ""],
  ["words - lower case, blanks and tabs are fine", "sub  a\t1 \r\npub a   1\r\nx\r\n", "MSG a 1 1\r\nx\r\n"],
  ["lines - a control line may end with LF alone", "SUB a 1\nPUB a 1\r\nx\r\n", "MSG a 1 1\r\nx\r\n"],
  [
    "SUB * - one token",
    "SUB a.*.c 1\r\nPUB a.b.c 1\r\nx\r\nPUB a.b.b.c 1\r\ny\r\nPUB a.c 1\r\nz\r\n",
    "MSG a.b.c 1 1\r\nx\r\n",
  ],
  [
    "SUB > - one token or more",
    "SUB a.> 1\r\nPUB a 1\r\nx\r\nPUB a.b 1\r\ny\r\nPUB a.b.c 1\r\nz\r\n",
    "MSG a.b 1 1\r\ny\r\nMSG a.b.c 1 1\r\nz\r\n",
  ],
  [
    "SUB > - an empty token matches nothing",
    "SUB > 1\r\nPUB a..b 1\r\nx\r\nPUB .a 1\r\nx\r\nPUB a. 1\r\nx\r\n",
    "",
  ],
  [
    "SUB - a wildcard inside a token is a letter",
    "SUB a*b 1\r\nPUB axb 1\r\nx\r\nPUB a*b 1\r\ny\r\n",
    "MSG a*b 1 1\r\ny\r\n",
  ],
  [
    "PUB - a wildcard in a published subject is a letter, and reaches a matching subscription once",
    "SUB a.* 1\r\nPUB a.* 1\r\nx\r\nPUB b.* 1\r\ny\r\n",
    "MSG a.* 1 1\r\nx\r\n",
  ],
  [
    "PUB - so is one that stands for the rest",
    "SUB a.> 1\r\nPUB a.> 1\r\nx\r\nPUB a.*.> 1\r\ny\r\n",
    "MSG a.> 1 1\r\nx\r\nMSG a.*.> 1 1\r\ny\r\n",
  ],
  [
    "SUB - the same sid twice keeps the first",
    "SUB a 1\r\nSUB b 1\r\nPUB b 1\r\nx\r\nPUB a 1\r\ny\r\n",
    "MSG a 1 1\r\ny\r\n",
  ],
  ["SUB - an empty token is refused, the connection stays", "SUB a..b 1\r\n", "-ERR 'Invalid Subject'\r\n"],
  ["SUB - > in the middle is refused, the connection stays", "SUB a.>.b 1\r\n", "-ERR 'Invalid Subject'\r\n"],
  ["UNSUB - ends a subscription", "SUB a 1\r\nUNSUB 1\r\nPUB a 1\r\nx\r\n", ""],
  ["UNSUB - an unknown sid is nothing", "UNSUB 77\r\n", ""],
  [
    "UNSUB max - counts deliveries",
    "SUB a 1\r\nUNSUB 1 2\r\nPUB a 1\r\nx\r\nPUB a 1\r\ny\r\nPUB a 1\r\nz\r\n",
    "MSG a 1 1\r\nx\r\nMSG a 1 1\r\ny\r\n",
  ],
  [
    "UNSUB max - already reached ends at once",
    "SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1 1\r\nPUB a 1\r\ny\r\n",
    "MSG a 1 1\r\nx\r\n",
  ],
  ...["-1", "0", "abc", "1.5", "9999999999"].map(
    (max) =>
      [
        `UNSUB max - ${max} is no maximum and ends the subscription at once`,
        `SUB a 1\r\nUNSUB 1 ${max}\r\nPUB a 1\r\nx\r\n`,
        "",
      ] as const,
  ),
  [
    "HPUB - headers arrive",
    "SUB a 1\r\nHPUB a 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n",
    "HMSG a 1 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n",
  ],
];

/** Title, lines sent, pattern of the server's last words. */
const CLOSING: readonly (readonly [string, string, RegExp])[] = [
  ["unknown word", "FOO bar\r\n", /Unknown Protocol Operation/],
  ["a payload longer than declared", "PUB a 2\r\nhixx\r\n", /Unknown Protocol Operation/],
  ["a payload above max_payload", "PUB a 99999999\r\n", /Maximum Payload Violation/],
  ["a size that is no number", "PUB a abc\r\n", /^(|-ERR 'Bad PUB'\r\n)$/],
  ["PUB without a size", "PUB a\r\n", /^(|-ERR 'Bad PUB'\r\n)$/],
  ["a negative size", "PUB a -1\r\n\r\n", /^(|-ERR 'Bad PUB'\r\n)$/],
  ["headers longer than the whole", "HPUB a 12 10\r\nNATS/1.0\r\n\r\n", /^(|-ERR 'Bad HPUB'\r\n)$/],
  ["SUB without a sid", "SUB a\r\n", /^(|-ERR 'Bad SUB'\r\n)$/],
  ["UNSUB without a sid", "UNSUB \r\n", /^(|-ERR 'Bad UNSUB'\r\n)$/],
  ["UNSUB with a word too many", "SUB a 1\r\nUNSUB 1 2 3\r\n", /^(|-ERR 'Bad UNSUB'\r\n)$/],
  ["a control line without an end", `SUB ${"a".repeat(5_000)}`, /maximum control line exceeded/i],
  ["a browser", "GET / HTTP/1.1\r\n\r\n", /-ERR/],
  ["another server", "RS+ $G a\r\n", /-ERR/],
];

export function testBrokerConformance({ name, skip, start }: BrokerUnderTest): void {
  describe(`${name} - protocol`, { skip }, () => {
    let broker: TestBroker;
    const open: { close(): unknown }[] = [];
    const raw = async (hello?: string): Promise<RawClient> => {
      const client = await RawClient.open(broker.ports[0] ?? 0, hello);
      open.push(client);
      return client;
    };
    const connect = async (): Promise<BrokerClient> => {
      const log = createLogger("test", "silent");
      const client = await BrokerClient.connect(
        { url: broker.urls[0] ?? "" },
        { name: "test", log, wait: false },
      );
      open.push(client);
      return client;
    };

    before(async () => {
      broker = await start();
    });
    after(() => broker.stop());
    afterEach(async () => {
      for (const client of open.splice(0)) await client.close();
    });

    for (const [title, lines, expected] of EXCHANGES) {
      it(title, async () => assert.equal(await (await raw()).exchange(lines), expected));
    }

    for (const [title, lines, lastWords] of CLOSING) {
      it(`violation - ${title} closes the connection`, async () => {
        assert.match(await (await raw()).exchangeUntilClose(lines), lastWords);
      });
    }

    it("no responders - sends the requester status 503, which may name the subject", async () => {
      const received = await (await raw()).exchange("SUB inbox 9\r\nPUB absent inbox 1\r\nx\r\n");
      // servers since 2.12 name the subject, older ones do not
      const [, whole, headers = ""] =
        /^HMSG inbox 9 (\d+) \1\r\nNATS\/1\.0 503\r\n((?:.+\r\n)*)\r\n\r\n$/.exec(received) ?? [];
      assert.equal(Number(whole), "NATS/1.0 503\r\n\r\n".length + headers.length, received);
      assert.match(headers, /^(Nats-Subject: absent\r\n)?$/);
    });

    it("CONNECT - verbose replies +OK to everything", async () => {
      const client = await raw('CONNECT {"verbose":true,"pedantic":false}\r\n');
      assert.equal(
        await client.exchange("SUB a 1\r\nPUB b 1\r\nx\r\nUNSUB 1\r\n"),
        "+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
      );
    });

    it("CONNECT - without echo, a client's own messages do not come back", async () => {
      const client = await raw('CONNECT {"verbose":false,"echo":false}\r\n');
      assert.equal(await client.exchange("SUB a 1\r\nPUB a 1\r\nx\r\n"), "");
    });

    it("CONNECT - pedantic refuses a wildcard in PUB, but still delivers", async () => {
      const client = await raw('CONNECT {"verbose":false,"pedantic":true}\r\n');
      assert.equal(
        await client.exchange("SUB > 1\r\nPUB a.* 1\r\nx\r\n"),
        "-ERR 'Invalid Publish Subject'\r\nMSG a.* 1 1\r\nx\r\n",
      );
    });

    it("CONNECT - no_responders requires headers", async () => {
      const client = await raw("");
      const words = await client.exchangeUntilClose(
        'CONNECT {"verbose":false,"no_responders":true,"headers":false}\r\n',
      );
      assert.match(words, /no responders requires headers support/);
    });

    it("CONNECT - anything but JSON closes the connection", async () => {
      assert.match(await (await raw("")).exchangeUntilClose("CONNECT {bad\r\n"), /^(|-ERR '.*'\r\n)$/);
    });

    it("HPUB - sends only the data to a subscriber without headers", async () => {
      const plain = await raw('CONNECT {"verbose":false,"headers":false}\r\n');
      await plain.exchange("SUB a 1\r\n");
      const sender = await raw();
      await sender.exchange("HPUB a 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n");
      assert.equal(await plain.until(/MSG.*\r\n.*\r\n/), "MSG a 1 2\r\nhi\r\n");
    });

    it("SUB queue - delivers to one member of a group, and to subscribers outside of it", async () => {
      const client = await raw();
      const answer = await client.exchange(
        "SUB a q 1\r\nSUB a q 2\r\nSUB > q 3\r\nSUB a 4\r\nPUB a 1\r\nx\r\n",
      );
      const sids = [...answer.matchAll(/MSG a (\d)/g)].map((match) => match[1]);
      assert.equal(sids.filter((sid) => sid === "4").length, 1);
      assert.equal(sids.filter((sid) => sid !== "4").length, 1);
    });

    it("SUB queue - distributes messages over all members of a group", async () => {
      const client = await raw();
      const publishes = "PUB a 1\r\nx\r\n".repeat(200);
      const answer = await client.exchange(`SUB a q 1\r\nSUB a q 2\r\n${publishes}`);
      const first = answer.split("MSG a 1 ").length - 1;
      assert.equal(answer.split("MSG a 2 ").length - 1 + first, 200);
      assert.ok(first > 20 && first < 180, `${first} of 200`);
    });

    it("bytes - may arrive in pieces of one byte", async () => {
      const client = await raw();
      for (const byte of Buffer.from("SUB a 1\r\nPUB a 5\r\nhello\r\n")) client.send(Buffer.of(byte));
      assert.equal(await client.exchange(""), "MSG a 1 5\r\nhello\r\n");
    });

    it("bytes - pass unchanged, whatever the payload", async () => {
      const client = await connect();
      const payload = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const got: Uint8Array[] = [];
      client.subscribe("bytes", (message) => got.push(Uint8Array.from(message.data)));
      client.publish("bytes", payload);
      await client.flush();
      assert.deepEqual(got, [payload]);
    });

    it("order - is preserved for what one connection publishes", async () => {
      const [sender, receiver] = [await connect(), await connect()];
      const got: number[] = [];
      receiver.subscribe("order.*", (message) => got.push(Number(message.string())));
      await receiver.flush();
      for (let i = 0; i < 5_000; i += 1) sender.publish(`order.${i % 7}`, String(i));
      await waitFor("5,000 messages", () => got.length === 5_000);
      assert.deepEqual(
        got,
        Array.from({ length: 5_000 }, (_, i) => i),
      );
    });

    it("client - receives a reply with its headers", async () => {
      const [asker, server] = [await connect(), await connect()];
      server.subscribe("echo", (message: Msg) =>
        server.respond(message, message.data, eventHeaders("0-1-1", true)),
      );
      await server.flush();
      const reply = await asker.request("echo", "hi", 2_000);
      assert.equal(reply.string(), "hi");
      assert.equal(reply.headers?.get("Encke-Event"), "0-1-1");
    });

    it("client - fails with NO_RESPONDERS at once without a subscriber, and with REQUEST_TIMEOUT without a reply", async () => {
      const client = await connect();
      await assert.rejects(client.request("no.subscriber", "", 5_000), { code: "NO_RESPONDERS" });
      client.subscribe("silent", () => {});
      await assert.rejects(client.request("silent", "", 50), { code: "REQUEST_TIMEOUT" });
    });

    it("client - finds a micro service by name", async () => {
      const [asker, server] = [await connect(), await connect()];
      server.addService({ name: "probe", description: "a probe" }, []);
      await server.flush();
      const info = (await asker.request("$SRV.INFO.probe", "", 2_000)).json<{ name: string }>();
      assert.equal(info.name, "probe");
    });

    it("a closed connection - leaves no subscription behind", async () => {
      const leaving = await raw();
      await leaving.exchange("SUB gone 1\r\nSUB gone.* 2\r\nSUB gone q 3\r\n");
      leaving.close();
      const asker = await connect();
      await waitFor("its subscriptions to end", async () => {
        const answer = await asker.request("gone", "", 200).catch((error: { code: string }) => error.code);
        return answer === "NO_RESPONDERS";
      });
    });
  });
}
