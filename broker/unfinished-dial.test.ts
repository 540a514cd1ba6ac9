import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { createLogger } from "../lib/log.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { BrokerClient } from "./client.ts";
import { EmbeddedBroker } from "./embedded/broker.ts";

const INFO = 'INFO {"server_id":"x","version":"2.9.0","proto":1,"max_payload":1048576,"headers":true} \r\n';

describe("client that closes while it reconnects", () => {
  for (const [what, greeting] of [
    ["sends nothing", ""],
    ["begins to speak", INFO],
  ] as const) {
    it(`server that ${what} - sees the connection end`, async () => {
      const broker = new EmbeddedBroker({ port: 0 });
      const port = await broker.start();
      const log = createLogger("test", "silent");
      const client = await BrokerClient.connect(
        { url: `nats://127.0.0.1:${port}` },
        { name: "test", log, wait: false },
      );
      await broker.stop();
      const sockets: Socket[] = [];
      let ended = 0;
      const server = createServer((socket) => {
        sockets.push(socket);
        socket.on("error", () => {}); // a reset ends it, too
        socket.on("close", () => {
          ended += 1;
        });
        socket.resume();
      }).listen(port, "127.0.0.1");
      await once(server, "connection");
      const closed = client.close();
      for (const socket of sockets) socket.write(greeting);
      await closed;
      await waitFor("every attempt to end", () => ended === sockets.length);
      assert.equal((server.address() as AddressInfo).port, port);
      server.close();
    });
  }
});
