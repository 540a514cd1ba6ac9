// The brokers that suites run against: the embedded one, and a real nats-server where this machine has one.

import { EmbeddedBroker } from "../../broker/index.ts";
import { findNatsServer, NatsServer } from "../../broker/server/nats-server.ts";
import { createLogger } from "../../lib/log.ts";
import { anyFreePort } from "../../lib/ports.ts";

export interface TestBroker {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

export interface BrokerUnderTest {
  readonly name: string;
  /** Why it cannot be had here; false when it can. */
  readonly skip: string | false;
  /** On any free port, or on the one given. */
  start(port?: number): Promise<TestBroker>;
}

const natsServer: string | undefined = findNatsServer(process.env.PATH ?? "");

export const embedded: BrokerUnderTest = {
  name: "embedded broker",
  skip: false,
  async start(port = 0) {
    const broker = new EmbeddedBroker({ port });
    const taken = await broker.start();
    return { url: `nats://127.0.0.1:${taken}`, port: taken, stop: () => broker.stop() };
  },
};

export const real: BrokerUnderTest = {
  name: "nats-server",
  skip: natsServer === undefined ? "no nats-server on this machine" : false,
  async start(port) {
    const taken = port ?? (await anyFreePort("127.0.0.1"));
    const server = new NatsServer(natsServer ?? "", taken, createLogger("test", "silent"));
    await server.start();
    return { url: `nats://127.0.0.1:${taken}`, port: taken, stop: () => server.stop() };
  },
};

export const brokers: readonly BrokerUnderTest[] = [embedded, real];
