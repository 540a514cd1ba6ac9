// What a soak runs against: services of its own, each in a process of its own (so that each one's memory is seen), or
// an edge of this machine that runs already. Whatever is started here is stopped by `stop`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsConfig, openBroker } from "../../broker/index.ts";
import type { PoolKind } from "../../edge/index.ts";
import { anyFreePort } from "../../lib/ports.ts";
import { childrenOf } from "../../lib/processes.ts";
import { Supervisor } from "../../lib/supervisor.ts";
import type { Context } from "../command.ts";
import { embeddedCommand, ownCommand } from "../own-command.ts";
import type { CommonValues, EdgeValues, NatsValues, OwnValues } from "../settings.ts";
import { natsConfigOf } from "../settings.ts";
import { untilReady } from "../until-ready.ts";
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

export type TargetValues = CommonValues &
  NatsValues &
  Pick<EdgeValues, "fanout" | "workers"> & { readonly pool: PoolKind | undefined } & Pick<
    OwnValues,
    "broker"
  >;

const HOST = "127.0.0.1";
/** The drain's own time, and a little. */
const STOP_MS = 10_000;
const DRAIN_TIME = "5s";

/** Broker, an empty graph and an edge, on free ports. @throws EnckeError where one does not come up, all ended */
export async function startOwnServices(context: Context, values: TargetValues): Promise<SoakTarget> {
  const { log } = context;
  const directory = mkdtempSync(join(tmpdir(), "encke-soak-"));
  const stops: (() => Promise<void>)[] = [async () => rmSync(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.splice(0)) await stopOne();
  };
  const supervisors: Supervisor[] = [];
  const run = async (what: string, given: readonly string[], adminPort: number): Promise<Supervisor> => {
    const [command, ...args] = ownCommand(...given);
    const supervisor = new Supervisor({
      command,
      args: [...args, "--admin-port", String(adminPort), "-s", nats.url],
      log,
      stopMs: STOP_MS,
      ready: () => untilReady(what, new URL(`http://${HOST}:${adminPort}`), context.signal),
    });
    stops.unshift(() => supervisor.stop());
    supervisors.push(supervisor);
    await supervisor.start();
    return supervisor;
  };
  const sockets = new SocketMemory();
  let nats = natsConfigOf(values);
  try {
    const broker = await openBroker({
      kind: values.broker,
      external: values.natsUrl === undefined ? undefined : nats,
      port: await anyFreePort(HOST),
      portMayMove: true,
      embeddedCommand,
      environment: context.env,
      log,
    });
    stops.unshift(broker.stop);
    nats = { ...nats, url: broker.url };
    const graph = await run(
      "the graph service",
      ["graph", "serve", "--data", directory],
      await anyFreePort(HOST),
    );
    const [port, adminPort] = [await anyFreePort(HOST), await anyFreePort(HOST)];
    const { pool, fanout, workers } = values;
    const edge = await run(
      "the edge",
      [
        ...["edge", "--host", HOST, "--port", String(port), "--drain-time", DRAIN_TIME],
        ...["--fanout", fanout, "--workers", String(workers)],
        ...(pool === undefined ? [] : ["--pool", pool]),
      ],
      adminPort,
    );
    const admin = new URL(`http://${HOST}:${adminPort}`);
    const sources = new Map<string, MemorySource>([
      [
        "edge",
        {
          processes: () => childrenOf(edge.pid ?? 0),
          connections: await streamsOf(admin),
          kernelKb: () => sockets.readKb(),
        },
      ],
      ["graph", { processes: () => [graph.pid ?? 0] }],
    ]);
    if (broker.pid() !== undefined) sources.set("broker", { processes: () => [broker.pid() ?? 0] });
    return {
      url: `http://${HOST}:${port}`,
      admin,
      nats,
      sources,
      description: `edge with ${workers} worker${workers === 1 ? "" : "s"} (${pool ?? "default"} pool, ${fanout} fan-out), ${broker.description.replace(/ at .*/, "")}`,
      restarts: () => supervisors.reduce((total, { restarts }) => total + restarts, 0),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An edge that runs on this machine, with its NATS. @throws CliError where its admin port does not answer */
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
