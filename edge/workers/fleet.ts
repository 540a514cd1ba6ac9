// The processes of an edge: a supervisor that holds no stream, and workers that share one port and accept
// connections themselves. Each worker listens on its own socket if the native addon can open one, otherwise
// on a socket shared through Node's cluster. The supervisor restarts workers that die, adds up the metrics of
// all workers, including those that have ended, forwards their logs, passes on which users' streams were cut
// as slow, and drains the workers when it stops. Workers end if the supervisor is gone.

import { type ChildProcess, fork } from "node:child_process";
import cluster from "node:cluster";
import { AggregatorRegistry } from "prom-client";
import { codeOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { standardError } from "../../lib/output.ts";
import { anyFreePort, isPortFree } from "../../lib/ports.ts";
import { describeListener } from "../../lib/processes.ts";
import { Restarts } from "../../lib/restarts.ts";
import type { EdgeConfig, ListenAt } from "../config.ts";
import { EdgeError } from "../errors.ts";
import { explainListen } from "../node/listen.ts";
import { claimSocketPath } from "../node/socket-path.ts";
import { forwardLines } from "./forward-lines.ts";
import { WorkerCounts } from "./worker-counts.ts";
import { WorkerProcess } from "./worker-process.ts";

/**
 * By default, V8 grows its young generation to 32 MB per process; idle streams need none of it. Half of this
 * value would cost a third more CPU per accepted connection.
 */
export const WORKER_FLAGS: readonly string[] = ["--max-semi-space-size=2"];
/** A port that was free a moment ago may have been taken by another process. */
const PORT_ATTEMPTS = 5;
/**
 * No standard input or output. The supervisor forwards the log from standard error (line-sink.ts explains
 * why).
 */
const WORKER_STDIO: ("ignore" | "pipe" | "ipc")[] = ["ignore", "ignore", "pipe", "ipc"];
/** Time after a drain's deadline before a worker is killed. */
const KILL_AFTER_MS = 5_000;

export interface FleetOptions {
  readonly config: EdgeConfig;
  readonly workers: number;
  /** Path of the workers' program (cli/worker.ts). */
  readonly program: string;
  /** Metrics of another service in this process, shown together with those of the workers. */
  readonly alongside: () => Promise<object[]>;
  readonly log: Logger;
}

export class EdgeFleet {
  readonly #options: FleetOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #restarts: Restarts;
  readonly #counts = new WorkerCounts();
  /**
   * Where workers listen. A free port is chosen before the first worker starts, so that all present and later
   * workers share it.
   */
  #listen: ListenAt;
  #releasePath = (): void => {};
  #isStarted = false;
  #stopping: Promise<void> | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#listen = options.config.listen;
    this.#restarts = new Restarts({
      start: () => this.#fork(),
      onRestart: (how, waitMs) => options.log.warn({ how, waitMs }, "edge worker ended, restarting"),
    });
  }

  /** How often an ended worker was replaced. */
  get restarts(): number {
    return this.#restarts.count;
  }

  /**
   * Starts every worker and returns their port. @throws EnckeError with the first worker's failure, after all
   * have ended
   */
  async start(): Promise<number> {
    const { workers } = this.#options;
    try {
      const port = await this.#startFirst();
      await Promise.all(Array.from({ length: workers - 1 }, () => this.#fork()));
      this.#isStarted = true;
      return port;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ready once every worker has started, and from then on while at least one worker is ready. */
  get notReady(): string | undefined {
    if (this.#stopping !== undefined) return "draining";
    const reasons = this.#alive.map(({ notReady }) => notReady);
    if (reasons.length === 0) return "no worker is running";
    if (!this.#isStarted) return "starting";
    return reasons.includes(null) ? undefined : (reasons[0] ?? undefined);
  }

  /** Worker processes that are running. */
  get size(): number {
    return this.#alive.length;
  }

  get #alive(): WorkerProcess[] {
    return [...this.#workers].filter(({ isAlive }) => isAlive);
  }

  /**
   * Returns the metrics of all processes as one: gauges are added up, and so are counters, including those of
   * workers that have ended. A worker reports when it is asked here and before it exits regularly. Counts
   * since the last report are lost if a worker is killed.
   */
  async metrics(): Promise<string> {
    const asked = [...this.#workers].map((worker) => worker.report());
    const [alongside] = await Promise.all([this.#options.alongside(), ...asked]);
    const reports = [...this.#workers].map(({ metrics }) => [...metrics]);
    return AggregatorRegistry.aggregate([...reports, [...this.#counts.ended], alongside]).metrics();
  }

  /** Drains every worker and waits until all have ended. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #drain(): Promise<void> {
    this.#restarts.stop();
    const killAfterMs = this.#options.config.drainMs + KILL_AFTER_MS;
    await Promise.all([...this.#workers].map((worker) => worker.drain(killAfterMs)));
    this.#releasePath();
  }

  /**
   * Starts the first worker, which takes the port. If any port will do and the chosen one was taken, tries
   * another.
   */
  async #startFirst(): Promise<number> {
    const asked = this.#options.config.listen;
    if ("path" in asked) {
      this.#releasePath = await claimSocketPath(asked.path);
      return this.#fork();
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (asked.port === 0) this.#listen = { ...asked, port: await anyFreePort(asked.host) };
        // workers with their own sockets would share the port even with unrelated processes that use
        // SO_REUSEPORT
        else if (this.#hasOwnSockets) await this.#refuseTaken(asked);
      } catch (error) {
        throw explainListen(error, asked);
      }
      try {
        return await this.#fork();
      } catch (error) {
        if (asked.port !== 0 || codeOf(error) !== "ADDRESS_TAKEN" || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  async #refuseTaken({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    if (await isPortFree(host, port)) return;
    throw new EdgeError(
      "ADDRESS_TAKEN",
      `${host}:${port} is taken: ${describeListener(port)}; choose another with --port or --listen`,
    );
  }

  get #hasOwnSockets(): boolean {
    return this.#options.config.pool === "native" && "port" in this.#listen;
  }

  #startProcess(): ChildProcess {
    const { program } = this.#options;
    const execArgv = [...process.execArgv, ...WORKER_FLAGS];
    if (this.#hasOwnSockets) return fork(program, { execArgv, stdio: WORKER_STDIO });
    // every worker accepts connections itself, and none pass through the supervisor; setupPrimary freezes
    // this choice
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: program, execArgv, stdio: WORKER_STDIO });
    const worker = cluster.fork();
    worker.on("error", () => {}); // the process's own error event, which is emitted twice
    return worker.process;
  }

  #fork(): Promise<number> {
    const child = this.#startProcess();
    if (child.stderr !== null) forwardLines(child.stderr, standardError);
    const worker = new WorkerProcess({
      child,
      configOf: () =>
        this.#stopping === undefined ? { ...this.#options.config, listen: this.#listen } : undefined,
      onCrash: ({ ageMs }, how) => this.#restarts.schedule(ageMs, how),
      onSlow: (from, users) => {
        for (const other of this.#alive) if (other !== from) other.noteSlow(users);
      },
      onGone: (gone) => {
        if (this.#workers.delete(gone)) this.#counts.keep(gone.metrics);
      },
    });
    this.#workers.add(worker);
    return worker.listening;
  }
}
