// Services and a NATS server that stops, is busy, or continues. Real servers are stopped with SIGSTOP, after
// which their connections stay open and send nothing.

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer } from "node:net";
import { afterEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createLogger } from "../lib/log.ts";
import { listenerOn } from "../lib/processes.ts";
import { type BrokerUnderTest, realWith, type TestBroker, urlOf } from "../test/support/brokers.ts";
import { clusterOf } from "../test/support/cluster.ts";
import { NatsProcess } from "../test/support/nats-process.ts";
import { natsServer } from "../test/support/nats-servers.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { BrokerClient } from "./client.ts";

/** From the moment at which a server stops until a service has noticed, and until it has another one. */
const NOTICED_MS = 1_000;
const CONNECTED_MS = 1_500;
/** Allowance for a loaded machine. */
const SLACK_MS = 250;
const ROUNDS = 4;
const BURST = 1_000_000;
const SLICE = 20_000;
const PAYLOAD: Uint8Array = new Uint8Array(150);

const log = createLogger("test", "silent");
const cleanUps: (() => Promise<unknown>)[] = [];

async function started(broker: BrokerUnderTest): Promise<TestBroker> {
  const running = await broker.start();
  cleanUps.push(() => running.stop());
  return running;
}

async function connect(url: string, wait = true): Promise<BrokerClient> {
  const client = await BrokerClient.connect({ url }, { name: "test", log, wait });
  cleanUps.push(() => client.close());
  return client;
}

/** Stops or continues the server at a port. */
function signal(port: number | undefined, name: "SIGSTOP" | "SIGCONT"): void {
  const pid = port === undefined ? undefined : listenerOn(port);
  assert.ok(pid !== undefined && pid > 0, `no server at port ${port}`);
  process.kill(pid, name);
}

function blockFor(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe("service whose NATS server stops", { skip: natsServer.skip }, () => {
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  it("one node of three - is given up within a second, and another one connected within 1.5 s", async (t) => {
    const cluster = await started(clusterOf(1));
    const ports = await portsOf(cluster);
    const client = await connect(urlOf(cluster));
    const changedAtMs: number[] = [];
    client.onStatus(() => changedAtMs.push(performance.now()));
    const times: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const port = ports.get(client.server.id);
      await delay(Math.random() * 250); // at any time between two ticks
      changedAtMs.length = 0;
      const stoppedAtMs = performance.now();
      signal(port, "SIGSTOP");
      await waitFor("another node", () => changedAtMs.length === 2);
      const [noticedMs = 0, connectedMs = 0] = changedAtMs.map((ms) => Math.round(ms - stoppedAtMs));
      times.push(`${noticedMs}/${connectedMs}`);
      assert.notEqual(ports.get(client.server.id), port);
      signal(port, "SIGCONT");
      assert.ok(noticedMs <= NOTICED_MS + SLACK_MS, times.join(" "));
      assert.ok(connectedMs <= CONNECTED_MS + SLACK_MS, times.join(" "));
    }
    t.diagnostic(`${natsServer.name}: ms until noticed/connected: ${times.join(" ")}`);
    assert.deepEqual([client.silences, client.reconnects], [ROUNDS, ROUNDS]);
  });

  it("while it has much to send - is given up as well", async () => {
    const cluster = await started(clusterOf(1));
    const client = await connect(urlOf(cluster));
    const port = (await portsOf(cluster)).get(client.server.id);
    signal(port, "SIGSTOP");
    const stoppedAtMs = performance.now();
    const publishing = setInterval(() => {
      for (let message = 0; message < 10_000; message += 1) client.publish("burst", PAYLOAD);
    }, 50);
    try {
      await waitFor("another node", () => client.reconnects === 1);
      const tookMs = performance.now() - stoppedAtMs;
      assert.ok(tookMs < 3_000, `${tookMs} ms`); // the kernel accepts bytes for some time
    } finally {
      clearInterval(publishing);
      signal(port, "SIGCONT");
    }
  });

  it("the only one, for three seconds - keeps its connection, and what is on its way", async () => {
    const server = await started(realWith({}));
    const client = await connect(urlOf(server));
    const received: string[] = [];
    client.subscribe("held", (message) => received.push(message.string()));
    await client.flush();
    signal(server.ports[0], "SIGSTOP");
    client.publish("held", "kept");
    await delay(3_000);
    signal(server.ports[0], "SIGCONT");
    await waitFor("the message", () => received.length > 0);
    assert.deepEqual([received, client.reconnects, client.silences], [["kept"], 0, 0]);
  });

  it("the only one, for ten seconds - is connected again once it continues, and stays connected", async () => {
    const login = "user: u, password: p, timeout: 1"; // the server ends connections that do not log in
    const server = await NatsProcess.start(natsServer, `authorization { ${login} }`);
    cleanUps.push(() => server.stop());
    const client = await connect(server.url.replace("//", "//u:p@"));
    const received: string[] = [];
    client.subscribe("after", (message) => received.push(message.string()));
    await client.flush();
    signal(server.port, "SIGSTOP");
    await waitFor("the loss", () => !client.connected);
    await delay(5_000); // two attempts to connect time out
    signal(server.port, "SIGCONT");
    await waitFor("the reconnect", () => client.connected);
    await delay(2_000); // the ends of these attempts would end the connection, too
    assert.deepEqual([client.connected, client.reconnects, client.silences], [true, 1, 1]);
    client.publish("after", "once");
    await client.flush();
    assert.deepEqual(received, ["once"]);
  });

  it("and a command's - keeps waiting, as long as its requests may take", async () => {
    const server = await started(realWith({}));
    const client = await connect(urlOf(server), false);
    signal(server.ports[0], "SIGSTOP");
    await delay(2_000);
    signal(server.ports[0], "SIGCONT");
    await client.flush();
    assert.deepEqual([client.reconnects, client.silences], [0, 0]);
  });
});

describe("service that is busy, or whose NATS server is", { skip: natsServer.skip }, () => {
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  it("event loop blocked for 3 s, and for 700 ms again and again - keeps its connection", async () => {
    const client = await connect(urlOf(await started(clusterOf(1))));
    for (const ms of [3_000, ...Array.from({ length: 6 }, () => 700), 300, 300, 300, 300, 300]) {
      blockFor(ms);
      await delay(1);
    }
    await delay(1_000);
    assert.deepEqual([client.connected, client.silences, client.reconnects], [true, 0, 0]);
  });

  it("event loop blocked after a pause of the server - keeps its connection", async () => {
    const cluster = await started(clusterOf(1));
    const client = await connect(urlOf(cluster));
    const port = (await portsOf(cluster)).get(client.server.id);
    for (let round = 0; round < ROUNDS; round += 1) {
      await delay(500 + Math.random() * 250); // at any time between two ticks
      signal(port, "SIGSTOP");
      await delay(650); // the next tick without a sign of life may be the last
      signal(port, "SIGCONT");
      blockFor(1_000); // the server replies, but the socket is not read before the next tick
    }
    await delay(1_000);
    assert.deepEqual([client.silences, client.reconnects], [0, 0]);
  });

  it("much to send to a server that takes it slowly - keeps its connection", async (t) => {
    const server = await started(realWith({}));
    const port = await slowForward(server.ports[0] ?? 0);
    const client = await connect(`127.0.0.1:${port},localhost:${port}`); // so that there is another server
    const sentAtMs = performance.now();
    for (let sent = 0; sent < BURST / 3; sent += 1) client.publish(`burst.${sent % 1_000}`, PAYLOAD);
    await client.flush(); // the reply waits behind all of them
    const tookMs = Math.round(performance.now() - sentAtMs);
    t.diagnostic(`the server took them in ${tookMs} ms`);
    assert.ok(tookMs > 2 * NOTICED_MS);
    assert.deepEqual([client.silences, client.reconnects], [0, 0]);
  });

  it(`${BURST} messages that arrive as fast as they can - keeps its connection`, async (t) => {
    const url = urlOf(await started(clusterOf(1)));
    const [client, sender] = [await connect(url), await connect(url)];
    let received = 0;
    client.subscribe("burst.*", () => {
      received += 1;
    });
    await client.flush();
    const sentAtMs = performance.now();
    for (let sent = 0; sent < BURST; sent += 1) {
      sender.publish(`burst.${sent % 1_000}`, PAYLOAD);
      if (sent % SLICE === 0) await sender.flush(); // or the server would end a connection that is too slow
    }
    await waitFor("every message", () => received === BURST);
    t.diagnostic(`they took ${Math.round(performance.now() - sentAtMs)} ms`);
    assert.deepEqual([client.silences, client.reconnects], [0, 0]);
  });
});

/** Returns the port of a server that passes on what clients send at 20 MB per second at most. */
async function slowForward(to: number): Promise<number> {
  const server = createServer((client) => {
    const upstream = connectTcp(to, "127.0.0.1");
    for (const socket of [client, upstream]) {
      socket.on("error", () => {}); // a close follows
      socket.on("close", () => [client, upstream].map((end) => end.destroy()));
    }
    client.on("data", (bytes: Buffer) => {
      upstream.write(bytes);
      client.pause();
      setTimeout(() => client.resume(), bytes.length / 20_000);
    });
    upstream.pipe(client);
  }).listen(0, "127.0.0.1");
  cleanUps.push(async () => server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Returns the port of each node by the id that its server sends to clients. */
async function portsOf({ urls, ports }: TestBroker): Promise<ReadonlyMap<string, number>> {
  const byId = new Map<string, number>();
  for (const [index, url] of urls.entries()) {
    const probe = await connect(url, false);
    byId.set(probe.server.id, ports[index] as number);
  }
  return byId;
}
