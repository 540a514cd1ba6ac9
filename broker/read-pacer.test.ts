// How often a service reads its connection, over every broker and over TLS. The maximum holds on a machine of
// any speed, because it follows from the time that has passed.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, it, mock } from "node:test";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import type { NatsConnection } from "nats";
import { createLogger } from "../lib/log.ts";
import { brokers, urlOf } from "../test/support/brokers.ts";
import { NatsProcess } from "../test/support/nats-process.ts";
import { natsServer } from "../test/support/nats-servers.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { BrokerClient } from "./client.ts";
import type { NatsConfig } from "./nats-config.ts";
import { ReadPacer } from "./read-pacer.ts";

const MESSAGES = 3_000;
/** A read follows a pause of 1 ms, or comes at least 0.5 ms after the one before. */
const MAX_READS_PER_MS = 2;

const log = createLogger("test", "silent");
const noOpenssl = spawnSync("openssl", ["version"]).status === 0 ? false : "no openssl on this machine";
const cleanUps: (() => Promise<unknown>)[] = [];

describe("reads of a service's connection", () => {
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  for (const broker of brokers)
    it(`single messages at a high rate over ${broker.name} - are read together, also after a reconnect`, {
      skip: broker.skip,
    }, async () => {
      let running = await broker.start();
      cleanUps.push(() => running.stop());
      const [service, producer] = [
        await connect({ url: urlOf(running) }),
        await connect({ url: urlOf(running) }),
      ];
      await checkReads(service, producer);
      await running.stop();
      await waitFor("the loss", () => !service.connected && !producer.connected);
      running = await broker.start(running.ports);
      await waitFor("the reconnect", () => service.connected && producer.connected);
      await checkReads(service, producer);
    });

  it("single messages at a high rate over TLS - all arrive", {
    skip: natsServer.skip || noOpenssl,
  }, async () => {
    const { cert, key } = makeCertificate();
    const server = await NatsProcess.start(natsServer, `tls { cert_file: "${cert}", key_file: "${key}" }`);
    cleanUps.push(() => server.stop());
    const config = { url: server.url.replace("nats:", "tls:"), ca: cert };
    await countReads(await connect(config), await connect(config)); // Node splits reads by TLS record
  });

  it("messages at a low rate - are never kept waiting", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    cleanUps.push(async () => server.close());
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const reader = connectTcp(port, "127.0.0.1") as Socket & { _handle: { readStop(): void } };
    const [writer] = (await once(server, "connection")) as [Socket];
    cleanUps.push(async () => reader.destroy());
    new ReadPacer().pace({ protocol: { transport: { socket: reader } } } as unknown as NatsConnection);
    const stops = mock.method(reader._handle, "readStop");
    for (let message = 0; message < 30; message += 1) {
      const read = once(reader, "data");
      writer.write("x");
      await read;
      await delay(2);
    }
    assert.equal(stops.mock.callCount(), 0);
  });
});

async function connect(config: NatsConfig): Promise<BrokerClient> {
  const client = await BrokerClient.connect(config, { name: "test", log, wait: true });
  cleanUps.push(() => client.close());
  return client;
}

async function checkReads(service: BrokerClient, producer: BrokerClient): Promise<void> {
  const startedAtMs = performance.now();
  const reads = await countReads(service, producer);
  const max = MAX_READS_PER_MS * (performance.now() - startedAtMs) + 2;
  assert.ok(reads <= max, `${reads} reads, at most ${max} expected`);
}

/**
 * Sends messages one by one and waits for all of them. Returns the number of reads that contained some.
 * Messages of one read are handled without a microtask in between.
 */
async function countReads(service: BrokerClient, producer: BrokerClient): Promise<number> {
  let [received, reads, isSameRead] = [0, 0, false];
  const subscription = service.subscribe("steady", () => {
    received += 1;
    if (isSameRead) return;
    isSameRead = true;
    reads += 1;
    queueMicrotask(() => {
      isSameRead = false;
    });
  });
  await service.flush();
  for (let sent = 0; sent < MESSAGES; sent += 1) {
    producer.publish("steady", "x");
    await turn();
  }
  await waitFor("every message", () => received === MESSAGES);
  subscription.unsubscribe();
  return reads;
}

function makeCertificate(): { readonly cert: string; readonly key: string } {
  const folder = tempDir();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const how = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", [...how, ...name, "-out", cert, "-keyout", key], { stdio: "ignore" });
  return { cert, key };
}
