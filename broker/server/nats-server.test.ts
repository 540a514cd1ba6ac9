import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { createLogger } from "../../lib/log.ts";
import { brokers, embedded, onFreePort, real } from "../../test/support/brokers.ts";
import { kill9 } from "../../test/support/kill.ts";
import { NatsProcess } from "../../test/support/nats-process.ts";
import { natsServer, natsServers } from "../../test/support/nats-servers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { BrokerClient } from "../client.ts";
import { testBrokerConformance } from "../conformance/suite.ts";
import { findNatsServer, findNatsServers } from "./find-nats-server.ts";
import { NatsServer } from "./nats-server.ts";
import { openBroker } from "./open.ts";

const log = createLogger("test", "silent");

for (const broker of brokers) if (broker !== embedded) testBrokerConformance(broker);

for (const installed of natsServers) {
  describe(`${installed.name} - supervised`, { skip: installed.skip }, () => {
    it("a killed server - restarts on its port, and clients reconnect", async () => {
      const server = await onFreePort(undefined, async (port) => {
        const started = new NatsServer(installed.binary, port, log);
        await started.start();
        return started;
      });
      const client = await BrokerClient.connect(
        { url: `nats://127.0.0.1:${server.port}` },
        { name: "test", log, wait: true },
      );
      const got: string[] = [];
      client.subscribe("after", (message) => got.push(message.string()));
      try {
        const firstPid = server.pid;
        kill9(firstPid);
        await waitFor("the connection to be lost", () => !client.connected);
        assert.equal(client.publish("after", "too early"), "away");
        await waitFor("the client to reconnect", () => client.connected);
        await client.flush();
        assert.notEqual(server.pid, firstPid);
        client.publish("after", "again");
        await waitFor("the message", () => got.length === 1);
        assert.deepEqual(got, ["again"]);
        assert.equal(client.refusedPublishes, 1);
      } finally {
        await client.close();
        await server.stop();
      }
    });
  });

  describe(`${installed.name} - with users`, { skip: installed.skip }, () => {
    it("credentials - connect if they are right, else fail at once with the remedy, even for services that wait", async () => {
      const server = await NatsProcess.start(
        installed,
        "authorization { users: [{ user: ann, password: s3cret }] }\n",
      );
      const address = `127.0.0.1:${server.port}`;
      const connect = (nats: object): Promise<BrokerClient> =>
        BrokerClient.connect({ url: address, ...nats }, { name: "test", log, wait: true });
      try {
        await (await connect({ user: "ann", password: "s3cret" })).close();
        await (await connect({ url: `nats://ann:s3cret@${address}` })).close();
        for (const wrong of [{}, { user: "ann", password: "wrong" }, { token: "s3cret" }]) {
          await assert.rejects(connect(wrong), {
            code: "NATS_UNREACHABLE",
            message: /check NATS_USER, NATS_PASSWORD/,
          });
        }
      } finally {
        await server.stop();
      }
    });
  });
}

describe("choosing a broker", () => {
  const options = {
    external: undefined,
    embeddedCommand: [process.execPath, "-e", ""] as const,
    environment: process.env,
    log,
    portMayMove: true,
  };
  /** Takes a port, so that no other process can listen on it. */
  const squat = async (): Promise<{ port: number; squatter: Server }> => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    return { port: (squatter.address() as AddressInfo).port, squatter };
  };

  it("a taken default port - is replaced by a free one", { skip: real.skip }, async () => {
    const { port, squatter } = await squat();
    const broker = await openBroker({ ...options, kind: "nats-server", port });
    try {
      assert.notEqual(broker.url, `nats://127.0.0.1:${port}`);
      const client = await BrokerClient.connect({ url: broker.url }, { name: "test", log, wait: false });
      await client.close();
    } finally {
      await broker.stop();
      squatter.close();
    }
  });

  it("a taken port that was given - is an error that names it and the remedy", async () => {
    const { port, squatter } = await squat();
    try {
      await assert.rejects(openBroker({ ...options, kind: "auto", port, portMayMove: false }), {
        code: "NATS_SERVER_FAILED",
        message: new RegExp(`port ${port} is taken: .*--port`),
      });
    } finally {
      squatter.close();
    }
  });

  it("NATS_URL - is used as given and nothing is spawned, and an unreachable server is an error", async () => {
    const external = { url: "nats://127.0.0.1:1" }; // only root could listen on this port, and nothing does
    await assert.rejects(openBroker({ ...options, kind: "auto", port: 0, external }), {
      code: "NATS_UNREACHABLE",
    });
  });

  it("NATS_SERVER - names the binary that is run, before any on PATH", { skip: real.skip }, () => {
    const elsewhere = join(tempDir(), "another-nats-server");
    writeFileSync(elsewhere, "#!/bin/sh\n");
    chmodSync(elsewhere, 0o755);
    const environment = { NATS_SERVER: elsewhere, PATH: dirname(natsServer.binary) };
    assert.equal(findNatsServer(environment), elsewhere);
    assert.deepEqual(findNatsServers(environment).slice(0, 2), [elsewhere, natsServer.binary]);
  });

  it("a NATS_SERVER that is not a program - is an error that names it and the remedy", async () => {
    for (const wrong of ["nats://127.0.0.1:4222", "/nowhere/nats-server", tempDir()]) {
      await assert.rejects(
        openBroker({ ...options, kind: "auto", port: 0, environment: { NATS_SERVER: wrong } }),
        { code: "NATS_SERVER_FAILED", message: /^NATS_SERVER=".*" cannot be run .*: set it to the path/ },
      );
    }
  });

  it("a required nats-server that is missing - is an error that says where it was searched", async (t) => {
    if (findNatsServer({}) !== undefined)
      return t.skip("one stands in /usr/sbin or in the cache: found without PATH");
    const nowhere = { ...options, environment: {}, kind: "nats-server" as const, port: 0 };
    await assert.rejects(openBroker(nowhere), { code: "NATS_SERVER_FAILED", message: /\/usr\/sbin/ });
  });
});
