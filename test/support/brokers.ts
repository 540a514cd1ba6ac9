// Brokers that suites run against: the embedded broker, and one real nats-server of each installed version.

import { EmbeddedBroker, type NatsConfig, NatsServer } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { type InstalledServer, natsServer, natsServers } from "./nats-servers.ts";

/** Retries, because another process may take a free port before it is used. */
const MAX_PORTS_TRIED = 5;

/**
 * Four partitions over three services, in the form of `--partitions`. The first service owns two partitions
 * that are not adjacent.
 */
export const SHARES: readonly string[] = ["0,2/4", "1/4", "3/4"];

/** Returns the address of one node. A single server stands for every node. */
export function urlOf({ urls }: Pick<TestBroker, "urls">, node = 0): string {
  return urls[node % urls.length] ?? "";
}

/** The user as which a client logs in, if the broker has users. */
export type TestUser = "producer" | "graph" | "edge";

export interface TestBroker {
  /** Addresses of the nodes. A single server has one. */
  readonly urls: readonly string[];
  readonly ports: readonly number[];
  /** Returns the credentials of a user; absent if the broker accepts anonymous clients. */
  readonly login?: (user: TestUser) => Partial<NatsConfig>;
  stop(): Promise<void>;
}

export interface BrokerUnderTest {
  readonly name: string;
  /** Why the broker is not available on this machine, or false if it is. */
  readonly skip: string | false;
  /** Starts the broker on these ports, or on free ones. */
  start(ports?: readonly number[]): Promise<TestBroker>;
}

/** Returns the embedded broker, with this `max_payload` or the default one. */
export function embeddedWith(maxPayload?: number): BrokerUnderTest {
  return {
    name: `embedded broker${limitName(maxPayload)}`,
    skip: false,
    async start([port = 0] = []) {
      const broker = new EmbeddedBroker({ port, ...(maxPayload !== undefined && { maxPayload }) });
      const taken = await broker.start();
      return { urls: [`nats://127.0.0.1:${taken}`], ports: [taken], stop: () => broker.stop() };
    },
  };
}

export const embedded: BrokerUnderTest = embeddedWith();

interface RealOptions {
  readonly server?: InstalledServer;
  /** Number of partitions into which the server's mappings divide the topics. */
  readonly partitions?: number;
  readonly maxPayload?: number;
}

/** Returns a nats-server that runs as `encke broker` runs it. */
export function realWith({ server = natsServer, partitions = 1, maxPayload }: RealOptions): BrokerUnderTest {
  const split = partitions === 1 ? "" : ` with ${partitions} partitions`;
  return {
    name: `${server.name}${split}${limitName(maxPayload)}`,
    skip: server.skip,
    async start([port] = []) {
      const started = await onFreePort(port, async (taken) => {
        const log = createLogger("test", "silent");
        const limit = maxPayload === undefined ? {} : { maxPayload };
        const child = new NatsServer(server.binary, taken, log, { partitions, ...limit });
        await child.start().catch(async (error: unknown) => {
          await child.stop();
          throw error;
        });
        return child;
      });
      return {
        urls: [`nats://127.0.0.1:${started.port}`],
        ports: [started.port],
        stop: () => started.stop(),
      };
    },
  };
}

/** Returns the selected nats-server, with mappings for this many partitions. */
export function partitioned(partitions: number): BrokerUnderTest {
  return realWith({ partitions });
}

/** The selected nats-server, undivided. */
export const real: BrokerUnderTest = realWith({});

/** Every broker, for suites whose outcome depends on it. */
export const brokers: readonly BrokerUnderTest[] = [
  embedded,
  ...natsServers.map((server) => realWith({ server })),
];

/**
 * Calls `start` with the given port, or with free ports until one attempt succeeds.
 * @throws the last error of `start`
 */
export async function onFreePort<T>(
  given: number | undefined,
  start: (port: number) => Promise<T>,
): Promise<T> {
  if (given !== undefined) return start(given);
  for (let tried = 1; ; tried += 1) {
    try {
      return await start(await anyFreePort("127.0.0.1"));
    } catch (error) {
      if (tried >= MAX_PORTS_TRIED) throw error;
    }
  }
}

function limitName(maxPayload: number | undefined): string {
  return maxPayload === undefined ? "" : `, max_payload ${maxPayload}`;
}
