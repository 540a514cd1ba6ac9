// Starts Encke on this machine for a test or a measurement: a broker, a graph service and an edge, each in a
// process of its own on free ports, and restarted when it ends. The caller must call `stop`, which stops them
// in the opposite order; a start that fails stops what it had started. They also end when the caller's
// process ends.

import { setTimeout as delay } from "node:timers/promises";
import { type BrokerKind, type NatsConfig, type NatsServerChoice, openBroker } from "../broker/index.ts";
import type { CommandLine } from "../lib/command.ts";
import { CommandError } from "../lib/command-error.ts";
import type { Logger } from "../lib/log.ts";
import { anyFreePort } from "../lib/ports.ts";
import { childrenOf } from "../lib/processes.ts";
import { Supervisor } from "../lib/supervisor.ts";

const HOST = "127.0.0.1";
/** Reading a graph of fifteen million follows takes seconds, and starting 55 workers takes a minute. */
const READY_MS = 120_000;
const LOOK_MS = 100;
const REPLY_MS = 1_000;
/** Time for a process to stop: an edge's drain time, and some more. */
const STOP_MS = 10_000;
const DRAIN_TIME = "5s";

export interface ServicesOptions {
  /** The command line that runs `encke`; arguments are appended. */
  readonly encke: CommandLine;
  readonly broker: BrokerKind;
  /** A running NATS server; by default one is started. */
  readonly nats?: NatsConfig | undefined;
  /** Where a nats-server that is started stores streams; without JetStream by default. */
  readonly jetStreamFolder?: string | undefined;
  /** Folder of the graph. */
  readonly directory: string;
  /** Flags of the edge, besides its addresses. */
  readonly edge: readonly string[];
  /** Environment of every process. It also selects the nats-server. */
  readonly env: NodeJS.ProcessEnv & NatsServerChoice;
  readonly log: Logger;
  /** Aborts the start. */
  readonly signal: AbortSignal;
}

/** Current process ids by role. */
export interface ServicePids {
  readonly broker: readonly number[];
  readonly graph: readonly number[];
  /** The edge's workers. */
  readonly edge: readonly number[];
  /** The supervisor of the edge's workers. */
  readonly supervisor: readonly number[];
}

export class Services {
  readonly #options: ServicesOptions;
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #supervisors: Supervisor[] = [];
  #pids: () => ServicePids = () => ({ broker: [], graph: [], edge: [], supervisor: [] });
  nats: NatsConfig = { url: "" };
  /** Addresses of the edge, for readers and of its admin port. */
  url: URL = new URL(`http://${HOST}`);
  admin: URL = this.url;
  /** Describes the broker. */
  broker = "";

  private constructor(options: ServicesOptions) {
    this.#options = options;
  }

  /**
   * Resolves when all are ready. @throws EnckeError if one does not become ready, or AbortError; all are
   * stopped then
   */
  static async start(options: ServicesOptions): Promise<Services> {
    const services = new Services(options);
    try {
      await services.#start();
      return services;
    } catch (error) {
      await services.stop();
      throw error;
    }
  }

  get pids(): ServicePids {
    return this.#pids();
  }

  /** Number of times that the graph service or the edge ended and was restarted. */
  get restarts(): number {
    return this.#supervisors.reduce((total, { restarts }) => total + restarts, 0);
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop();
  }

  async #start(): Promise<void> {
    const { encke, broker: kind, nats, directory, edge: edgeFlags, env, log, signal } = this.#options;
    const { jetStreamFolder } = this.#options;
    const broker = await openBroker({
      kind,
      external: nats,
      port: await anyFreePort(HOST),
      portMayMove: true,
      embeddedCommand: [...encke, "broker", "--embedded"],
      environment: env,
      log,
      jetStreamFolder,
    });
    this.#stops.unshift(() => broker.stop());
    signal.throwIfAborted();
    this.nats = { ...nats, url: broker.url };
    this.broker = broker.description.replace(/ at .*/, "");
    const graph = await this.#supervise("the graph service", ["graph", "serve", "--data", directory]);
    const port = await anyFreePort(HOST);
    const at = ["--host", HOST, "--port", String(port)];
    const edge = await this.#supervise("the edge", ["edge", "--drain-time", DRAIN_TIME, ...at, ...edgeFlags]);
    this.url = new URL(`http://${HOST}:${port}`);
    this.admin = edge.admin;
    this.#pids = () => ({
      broker: known(broker.pid()),
      graph: known(graph.supervisor.pid),
      edge: childrenOf(edge.supervisor.pid ?? 0),
      supervisor: known(edge.supervisor.pid),
    });
  }

  async #supervise(
    what: string,
    given: readonly string[],
  ): Promise<{ readonly supervisor: Supervisor; readonly admin: URL }> {
    const { encke, env, log, signal } = this.#options;
    const port = await anyFreePort(HOST);
    const admin = new URL(`http://${HOST}:${port}`);
    const [command, ...args] = [...encke, ...given, "--admin-port", String(port)] as const;
    const supervisor = new Supervisor({
      command,
      args,
      env: { ...env, ...environmentOf(this.nats) },
      log,
      stopMs: STOP_MS,
      ready: () => untilReady(what, admin, signal),
    });
    this.#stops.unshift(() => supervisor.stop());
    this.#supervisors.push(supervisor);
    await supervisor.start();
    return { supervisor, admin };
  }
}

/** Waits until an admin port reports readiness. @throws CommandError CHECK_FAILED, AbortError */
async function untilReady(what: string, admin: URL, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + READY_MS;
  while (performance.now() < deadlineMs) {
    const ready = await fetch(new URL("/readyz", admin), { signal: AbortSignal.timeout(REPLY_MS) }).then(
      (response) => response.ok,
      () => false, // no process listens yet
    );
    if (ready) return;
    await delay(LOOK_MS, undefined, { signal });
  }
  throw new CommandError(
    "CHECK_FAILED",
    `${what} was not ready after ${READY_MS / 1_000} s: run it alone with --log-level info to see why`,
  );
}

/**
 * Returns variables with the address and credentials of NATS, so that credentials are not on a command line.
 */
function environmentOf(nats: NatsConfig): Record<string, string> {
  const named = Object.entries(nats).filter(([, value]) => value !== undefined);
  return Object.fromEntries(named.map(([key, value]) => [`NATS_${key.toUpperCase()}`, value]));
}

function known(pid: number | undefined): number[] {
  return pid === undefined ? [] : [pid];
}
