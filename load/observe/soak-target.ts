// What a soak runs against: services of its own, each in a process of its own (so that each one's memory is seen), or
// an edge of this machine that runs already. Whatever is started here is stopped by `stop`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrokerKind, FanoutMode, NatsConfig } from "../../broker/index.ts";
import type { PoolKind } from "../../edge/index.ts";
import type { Context } from "../../lib/command.ts";
import { Services } from "../services.ts";
import type { MemorySource } from "./memory-log.ts";
import { DEFAULT_ADMIN, edgeSource, httpUrlOf, streamsOf } from "./memory-source.ts";
import { SocketMemory } from "./socket-memory.ts";

export interface SoakTarget {
  readonly url: string;
  readonly admin: URL;
  readonly nats: NatsConfig;
  /** By name: whose memory is judged. */
  readonly sources: ReadonlyMap<string, MemorySource>;
  /** For the report. */
  readonly description: string;
  /** Services that ended and were started anew. */
  restarts(): number;
  stop(): Promise<void>;
}

export interface OwnTarget {
  readonly broker: BrokerKind;
  /** A NATS server that runs already. */
  readonly nats: NatsConfig | undefined;
  readonly pool: PoolKind | undefined;
  readonly fanout: FanoutMode;
  readonly workers: number;
}

/** Broker, an empty graph and an edge, on free ports. @throws EnckeError where one does not come up, all ended */
export async function startOwnServices(
  { encke, env, log, signal }: Context,
  { broker, nats, pool, fanout, workers }: OwnTarget,
): Promise<SoakTarget> {
  const directory = mkdtempSync(join(tmpdir(), "encke-soak-"));
  const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true });
  const sockets = new SocketMemory();
  let services: Services;
  try {
    const edge = [
      ...["--fanout", fanout, "--workers", String(workers)],
      ...(pool === undefined ? [] : ["--pool", pool]),
    ];
    services = await Services.start({ encke, broker, nats, directory, edge, env, log, signal });
  } catch (error) {
    removeDirectory();
    throw error;
  }
  const sources = new Map<string, MemorySource>([
    [
      "edge",
      {
        processes: () => services.pids.edge,
        connections: await streamsOf(services.admin),
        kernelKb: () => sockets.readKb(),
      },
    ],
    ["graph", { processes: () => services.pids.graph }],
  ]);
  if (services.pids.broker.length > 0) sources.set("broker", { processes: () => services.pids.broker });
  return {
    url: services.url.origin,
    admin: services.admin,
    nats: services.nats,
    sources,
    description: `edge with ${workers} worker${workers === 1 ? "" : "s"} (${pool ?? "default"} pool, ${fanout} fan-out), ${services.broker}`,
    restarts: () => services.restarts,
    async stop() {
      await services.stop();
      removeDirectory();
    },
  };
}

/** An edge that runs on this machine, with its NATS. @throws CommandError where its admin port does not answer */
export async function useRunningEdge(
  url: string,
  admin: string = DEFAULT_ADMIN,
  nats: NatsConfig,
): Promise<SoakTarget> {
  const { origin } = httpUrlOf("--url", url);
  const source = await edgeSource(admin);
  return {
    url: origin,
    admin: httpUrlOf("--admin", admin),
    nats,
    sources: new Map([["edge", source]]),
    description: `the edge at ${origin}`,
    restarts: () => 0,
    stop: async () => {},
  };
}
