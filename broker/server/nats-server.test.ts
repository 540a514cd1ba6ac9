import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createLogger } from "../../lib/log.ts";
import { anyFreePort, isPortFree } from "../../lib/ports.ts";
import { Supervisor } from "../../lib/supervisor.ts";
import { real } from "../../test/support/brokers.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { BrokerClient } from "../client.ts";
import { testBrokerConformance } from "../conformance/suite.ts";
import { findNatsServer, NatsServer } from "./nats-server.ts";
import { openBroker } from "./open.ts";

const log = createLogger("test", "silent");

testBrokerConformance(real);

describe("nats-server - supervised", { skip: real.skip }, () => {
  it("restart - killed, it comes back on its port and clients find it again", async () => {
    const server = new NatsServer(
      findNatsServer(process.env.PATH ?? "") ?? "",
      await anyFreePort("127.0.0.1"),
      log,
    );
    await server.start();
    const client = await BrokerClient.connect(
      { url: `nats://127.0.0.1:${server.port}` },
      { name: "test", log, wait: true },
    );
    const got: string[] = [];
    client.subscribe("after", (message) => got.push(message.string()));
    try {
      const firstPid = server.pid;
      process.kill(firstPid ?? 0, "SIGKILL");
      await waitFor("the connection to be lost", () => !client.connected);
      assert.equal(client.publish("after", "too early"), false);
      await waitFor("the connection to be back", () => client.connected);
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

describe("nats-server - with users", { skip: real.skip }, () => {
  it("credentials - right ones connect, wrong ones fail at once with the remedy, even for who would wait", async () => {
    const port = await anyFreePort("127.0.0.1");
    const config = join(tempDir(), "users.conf");
    writeFileSync(
      config,
      `listen: "127.0.0.1:${port}"\nauthorization { users: [{ user: ann, password: s3cret }] }\n`,
    );
    const server = new Supervisor({
      command: findNatsServer(process.env.PATH ?? "") ?? "",
      args: ["-c", config],
      log,
      stopMs: 1_000,
      ready: () => waitFor("the port to be taken", async () => !(await isPortFree("127.0.0.1", port))),
    });
    await server.start();
    const connect = (nats: object): Promise<BrokerClient> =>
      BrokerClient.connect({ url: `127.0.0.1:${port}`, ...nats }, { name: "test", log, wait: true });
    try {
      await (await connect({ user: "ann", password: "s3cret" })).close();
      await (await connect({ url: `nats://ann:s3cret@127.0.0.1:${port}` })).close();
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

describe("choosing a broker", () => {
  const options = {
    external: undefined,
    embeddedCommand: [process.execPath, "-e", ""] as const,
    path: process.env.PATH ?? "",
    log,
    portMayMove: true,
  };

  it("a taken default port - moves to a free one", { skip: real.skip }, async () => {
    const port = await anyFreePort("127.0.0.1");
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
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

  it("a taken port that was asked for - an error that names it and the remedy", async () => {
    const port = await anyFreePort("127.0.0.1");
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, "127.0.0.1", resolve));
    try {
      await assert.rejects(openBroker({ ...options, kind: "auto", port, portMayMove: false }), {
        code: "NATS_SERVER_FAILED",
        message: new RegExp(`port ${port} is taken: .*--port`),
      });
    } finally {
      squatter.close();
    }
  });

  it("NATS_URL - used as it is, nothing is spawned; nobody there is an error", async () => {
    const external = { url: `nats://127.0.0.1:${await anyFreePort("127.0.0.1")}` };
    await assert.rejects(openBroker({ ...options, kind: "auto", port: 0, external }), {
      code: "NATS_UNREACHABLE",
    });
  });

  it("no nats-server where one is demanded - says where it looked", async (t) => {
    if (findNatsServer("") !== undefined)
      return t.skip("one stands in /usr/sbin or in the cache: found without PATH");
    const nowhere = {
      ...options,
      path: "",
      kind: "nats-server" as const,
      port: await anyFreePort("127.0.0.1"),
    };
    await assert.rejects(openBroker(nowhere), { code: "NATS_SERVER_FAILED", message: /\/usr\/sbin/ });
  });
});
