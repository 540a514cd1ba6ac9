// The target of a soak: its own services, each in a process of its own so that its memory can be measured
// separately, or an edge that already runs on this machine. `stop` stops whatever was started here.

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
  /** The processes whose memory is judged, by name. */
  readonly sources: ReadonlyMap<string, MemorySource>;
  /** Description for the report. */
  readonly description: string;
  /** Returns how many times a service ended and was restarted. */
  restarts(): number;
  stop(): Promise<void>;
}

export interface OwnTarget {
  readonly broker: BrokerKind;
  /** A running NATS server; by default one is started. */
  readonly nats: NatsConfig | undefined;
  readonly pool: PoolKind | undefined;
  readonly fanout: FanoutMode;
  readonly workers: number;
}

/**
 * Starts a broker, an empty graph and an edge on free ports. @throws EnckeError if one does not start; then
 * all are stopped
 */
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

/**
 * Uses an edge that runs on this machine, with its NATS. @throws CommandError if its admin port does not
 * reply
 */
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
