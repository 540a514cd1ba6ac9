// The brokers that suites run against: the embedded one, and a real nats-server where this machine has one.

import { EmbeddedBroker, type NatsConfig } from "../../broker/index.ts";
import { findNatsServer, NatsServer } from "../../broker/server/nats-server.ts";
import { createLogger } from "../../lib/log.ts";
import { anyFreePort } from "../../lib/ports.ts";

/** The address of one node; a single server's is that of every node. */
export function urlOf({ urls }: Pick<TestBroker, "urls">, node = 0): string {
  return urls[node % urls.length] ?? "";
}

/** Who logs in, where the broker wants to know. */
export type TestUser = "producer" | "graph" | "edge";

export interface TestBroker {
  /** Its nodes' addresses; a single server is one. */
  readonly urls: readonly string[];
  readonly ports: readonly number[];
  /** What each must show; absent where everybody may do everything. */
  readonly login?: (user: TestUser) => Partial<NatsConfig>;
  stop(): Promise<void>;
}

export interface BrokerUnderTest {
  readonly name: string;
  /** Why it cannot be had here; false when it can. */
  readonly skip: string | false;
  /** On any free ports, or on those given. */
  start(ports?: readonly number[]): Promise<TestBroker>;
}

const natsServer: string | undefined = findNatsServer(process.env.PATH ?? "");

export const embedded: BrokerUnderTest = {
  name: "embedded broker",
  skip: false,
  async start([port = 0] = []) {
    const broker = new EmbeddedBroker({ port });
    const taken = await broker.start();
    return { urls: [`nats://127.0.0.1:${taken}`], ports: [taken], stop: () => broker.stop() };
  },
};

/** A nats-server that splits the topics into so many partitions. */
export function partitioned(partitions: number): BrokerUnderTest {
  return {
    name: partitions === 1 ? "nats-server" : `nats-server with ${partitions} partitions`,
    skip: natsServer === undefined ? "no nats-server on this machine" : false,
    async start([port] = []) {
      const taken = port ?? (await anyFreePort("127.0.0.1"));
      const log = createLogger("test", "silent");
      const server = new NatsServer(natsServer ?? "", taken, log, partitions);
      await server.start();
      return { urls: [`nats://127.0.0.1:${taken}`], ports: [taken], stop: () => server.stop() };
    },
  };
}

export const real: BrokerUnderTest = partitioned(1);

export const brokers: readonly BrokerUnderTest[] = [embedded, real];
