import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, it } from "node:test";
import { RawHttp } from "../../test/support/raw-http.ts";
import { hasPoolAddon, loadPoolAddon } from "../pool/native/addon.ts";
import { listen, listenShared } from "./listen.ts";

const skip = hasPoolAddon() ? false : "the addon was not built here";

describe("listening", { skip }, () => {
  const servers: Server[] = [];
  const serverSaying = (text: string): Server => {
    const server = createServer((_, response) => response.end(text));
    servers.push(server);
    return server;
  };
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    }
  });

  it("separate sockets - share a port, and each accepts connections", async () => {
    const [one, two] = [serverSaying("one"), serverSaying("two")];
    await listenShared(one, { host: "127.0.0.1", port: 0 }, loadPoolAddon());
    await listenShared(two, { host: "localhost", port: portOf(one) }, loadPoolAddon());
    assert.equal(portOf(one), portOf(two));
    const heard = new Set<string>();
    for (let tries = 0; heard.size < 2 && tries < 200; tries += 1) {
      const raw = new RawHttp(portOf(one)).get("/");
      await raw.until(/one|two/);
      heard.add(/one|two/.exec(raw.text)?.[0] ?? "");
      raw.close();
    }
    assert.equal(heard.size, 2);
  });

  it("IPv6 - is accepted without brackets", async () => {
    const server = serverSaying("six");
    await listenShared(server, { host: "::1", port: 0 }, loadPoolAddon());
    assert.equal((server.address() as AddressInfo).address, "::1");
  });

  it("taken port or foreign address - is an error with the remedy", async () => {
    const [stranger, own] = [serverSaying("stranger"), serverSaying("own")];
    await listen(stranger, { host: "127.0.0.1", port: 0 });
    const taken = { host: "127.0.0.1", port: portOf(stranger) };
    const refused = { code: "ADDRESS_TAKEN", message: /is taken .*--port/ };
    await assert.rejects(listenShared(own, taken, loadPoolAddon()), refused);
    await assert.rejects(listen(own, taken), refused);
    await assert.rejects(listenShared(own, { host: "192.0.2.1", port: 0 }, loadPoolAddon()), {
      code: "ADDRESS_TAKEN",
      message: /is not an address of this machine/,
    });
  });
});
