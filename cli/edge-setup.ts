// Starts an edge from settings, for `encke edge` and `encke up`.

import { fileURLToPath } from "node:url";
import { AdminServer, type EdgeConfig, EdgeFleet, type ListenAt, listenProblemOf } from "../edge/index.ts";
import { CommandError } from "../lib/command-error.ts";
import { messageOf, quote } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { createMetrics, type Metrics } from "../lib/metrics.ts";
import { freePortFrom } from "../lib/ports.ts";

export const DEFAULT_PORT = 8_080;
export const DEFAULT_ADMIN_PORT = 9_180;

const PROGRAM: string = fileURLToPath(new URL("./worker" + import.meta.url.slice(-3), import.meta.url));

/** Returns where to listen: `unix:/path`, or else an address and port. @throws CommandError USAGE */
export function listenAtOf(listen: string | undefined, host: string, port: number): ListenAt {
  if (listen === undefined) return { host, port };
  if (/^unix:.+/.test(listen)) return { path: listen.slice("unix:".length) };
  throw new CommandError(
    "USAGE",
    `--listen ${quote(listen)}: expected unix:/path/of/socket, or use --host and --port`,
  );
}

/** Returns the URL for a browser. A wildcard address is reached over loopback. */
export function urlOf(host: string, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}/`;
}

/**
 * Returns the port that the user chose, or else the first free one from the default on.
 * @throws CommandError ADDRESS_TAKEN for a host that does not belong to this machine
 */
export async function portFor(
  flag: string,
  host: string,
  given: number | undefined,
  first: number,
): Promise<number> {
  if (given !== undefined) return given;
  try {
    return await freePortFrom(host, first);
  } catch (cause) {
    const why = listenProblemOf(cause);
    if (why === undefined) throw cause;
    throw new CommandError(
      "ADDRESS_TAKEN",
      `${flag} ${quote(host)} ${why} (${messageOf(cause)}): choose an address of this machine`,
      { cause },
    );
  }
}

export interface RunningEdge {
  /** 0 if it listens on a UNIX socket. */
  readonly port: number;
  readonly adminPort: number;
  stop(): Promise<void>;
}

export interface EdgeSetup {
  readonly config: EdgeConfig;
  readonly workers: number;
  readonly admin: { readonly host: string; readonly port: number };
  /** Metrics of another service in this process, which the admin port shows as well. */
  readonly alongside?: Metrics;
  readonly log: Logger;
}

/** Starts the admin port, then the workers. @throws EnckeError */
export async function startEdge({ config, workers, admin, alongside, log }: EdgeSetup): Promise<RunningEdge> {
  const own = alongside ?? createMetrics({ ofNode: false });
  const more = (): Promise<object[]> => own.registry.getMetricsAsJSON();
  const fleet = new EdgeFleet({ config, workers, program: PROGRAM, alongside: more, log });
  own.gauge("encke_edge_workers", "Worker processes that are running", () => fleet.size);
  own.counter(
    "encke_edge_worker_restarts_total",
    "Workers that ended and were restarted",
    () => fleet.restarts,
  );
  const server = new AdminServer({
    ...admin,
    notReady: () => fleet.notReady,
    metrics: () => fleet.metrics(),
  });
  const adminPort = await server.start();
  try {
    const port = await fleet.start();
    return {
      port,
      adminPort,
      async stop() {
        await fleet.stop();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
