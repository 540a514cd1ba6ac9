// The brokers that suites run against: the embedded one, and a real nats-server of each version that this
// machine has.

import { EmbeddedBroker, type NatsConfig, NatsServer } from "../../broker/index.ts";
import { createLogger } from "../../lib/log.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { type InstalledServer, natsServer, natsServers } from "./nats-servers.ts";

/** Another process may take a port between the moment at which it was free and its use. */
const MAX_PORTS_TRIED = 5;

/** Four partitions over three services, as `--partitions` takes them; the first has two that are not neighbours. */
export const SHARES: readonly string[] = ["0,2/4", "1/4", "3/4"];

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

/** The embedded broker, with a `max_payload` other than the usual one where given. */
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
  /** Into so many partitions the server splits the topics. */
  readonly partitions?: number;
  readonly maxPayload?: number;
}

/** A nats-server as `encke broker` runs it. */
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

/** The chosen nats-server, splitting the topics into so many partitions. */
export function partitioned(partitions: number): BrokerUnderTest {
  return realWith({ partitions });
}

/** The chosen nats-server. */
export const real: BrokerUnderTest = realWith({});

/** Every broker that a suite runs on whose outcome depends on the broker. */
export const brokers: readonly BrokerUnderTest[] = [
  embedded,
  ...natsServers.map((server) => realWith({ server })),
];

/**
 * Starts what listens on a port: on the given one, else on any free one. @throws what `start` throws at last
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
