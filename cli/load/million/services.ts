// Everything that a run starts: broker, graph service and edge workers, each a process of its own, on free ports of
// this machine. What was started is stopped by `stop`, in the opposite order, also after half a start.

import { openBroker } from "../../../broker/index.ts";
import { DEFAULT_READER_TIMEOUT_MS } from "../../../edge/index.ts";
import { anyFreePort } from "../../../lib/ports.ts";
import { childrenOf, commandLineOf } from "../../../lib/processes.ts";
import { Supervisor } from "../../../lib/supervisor.ts";
import type { Context } from "../../command.ts";
import { startEdge, urlOf } from "../../edge-setup.ts";
import { embeddedCommand, ownCommand } from "../../own-command.ts";
import { untilReady } from "../../until-ready.ts";
import type { MillionPlan } from "./plan.ts";

const EDGE_WORKER = /\/cli\/worker\.[jt]s/;
const HOST = "127.0.0.1";
const GRAPH_STOP_MS = 10_000;
/** When the edge is stopped its readers are gone: there is nothing to drain. */
const DRAIN_MS = 2_000;

export interface Services {
  /** The edge's address. */
  readonly url: string;
  readonly natsUrl: string;
  /** For the report. */
  readonly broker: string;
  /** Process ids by role, of now. */
  pids(): Readonly<Record<"broker" | "graph" | "edge", readonly number[]>>;
  stop(): Promise<void>;
}

/** @throws EnckeError where one does not come up; all are stopped then */
export async function startServices(
  { log, env, signal }: Context,
  { broker: kind, pool, fanout, heartbeatMs, layout }: MillionPlan,
  directory: string,
): Promise<Services> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.splice(0)) await stopOne();
  };
  try {
    const broker = await openBroker({
      kind,
      external: undefined,
      port: await anyFreePort(HOST),
      portMayMove: true,
      embeddedCommand,
      environment: env,
      log,
    });
    stops.unshift(() => broker.stop());
    signal.throwIfAborted();
    const graphAdmin = await anyFreePort(HOST);
    const [command, ...args] = ownCommand("graph", "serve", "--data", directory);
    const graph = new Supervisor({
      command,
      args: [...args, "--admin-port", String(graphAdmin), "-s", broker.url],
      log,
      stopMs: GRAPH_STOP_MS,
      ready: () => untilReady("the graph service", adminUrl(graphAdmin), signal),
    });
    stops.unshift(() => graph.stop());
    await graph.start();
    const edge = await startEdge({
      config: {
        listen: { host: HOST, port: 0 },
        nats: { url: broker.url },
        fanout,
        pool,
        jwtKey: undefined,
        allowAnonymous: false,
        allowPublish: false,
        corsOrigins: [],
        maxStreams: Number.MAX_SAFE_INTEGER,
        maxStreamsPerUser: 1_000,
        maxStreamAgeMs: 0,
        heartbeatMs,
        readerTimeoutMs: DEFAULT_READER_TIMEOUT_MS,
        drainMs: DRAIN_MS,
        logLevel: "warn",
      },
      workers: layout.edgeWorkers,
      admin: { host: HOST, port: 0 },
      log,
    });
    stops.unshift(() => edge.stop());
    await untilReady("the edge", adminUrl(edge.adminPort), signal);
    return {
      url: urlOf(HOST, edge.port),
      natsUrl: broker.url,
      broker: broker.description.replace(/ at .*/, ""),
      pids: () => ({
        broker: known(broker.pid()),
        graph: known(graph.pid),
        edge: childrenOf(process.pid).filter((pid) => EDGE_WORKER.test(commandLineOf(pid))),
      }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function known(pid: number | undefined): number[] {
  return pid === undefined ? [] : [pid];
}

function adminUrl(port: number): URL {
  return new URL(urlOf(HOST, port));
}
