// The edge's processes: a supervisor that holds no stream, and workers that share one port and accept by themselves:
// each on a socket of its own where the native addon opens it, else on one that Node's cluster shares out. The
// supervisor restarts a worker that dies, adds up what all of them have counted, those that ended included, passes on
// what they log, and drains them all on the way out. Workers end when the supervisor is gone.

import { type ChildProcess, fork } from "node:child_process";
import cluster from "node:cluster";
import { AggregatorRegistry } from "prom-client";
import { codeOf } from "../../lib/errors.ts";
import { forwardLines } from "../../lib/forward-lines.ts";
import type { Logger } from "../../lib/log.ts";
import { standardError } from "../../lib/output.ts";
import { anyFreePort, isPortFree } from "../../lib/ports.ts";
import { describeListener } from "../../lib/processes.ts";
import { Restarts } from "../../lib/restarts.ts";
import type { EdgeConfig, ListenAt } from "../config.ts";
import { EdgeError } from "../errors.ts";
import { explainListen } from "../node/listen.ts";
import { claimSocketPath } from "../node/socket-path.ts";
import { WorkerCounts } from "./worker-counts.ts";
import { WorkerProcess } from "./worker-process.ts";

/** V8 would grow its young generation to 32 MB a process; at rest a stream needs none of it. Half of this costs a third more CPU an accept. */
export const WORKER_FLAGS: readonly string[] = ["--max-semi-space-size=2"];
/** A port that was free a moment ago may be a busy client's by now. */
const PORT_ATTEMPTS = 5;
/** Standard input and output: none. Its log comes through us (line-sink.ts says why). */
const WORKER_STDIO: ("ignore" | "pipe" | "ipc")[] = ["ignore", "ignore", "pipe", "ipc"];
/** After a drain's own deadline, a worker gets so much longer before it is killed. */
const KILL_AFTER_MS = 5_000;

export interface FleetOptions {
  readonly config: EdgeConfig;
  readonly workers: number;
  /** The worker's program (cli/worker.ts). */
  readonly program: string;
  /** Metrics of another service in this process, shown together with the workers'. */
  readonly alongside: () => Promise<object[]>;
  readonly log: Logger;
}

export class EdgeFleet {
  readonly #options: FleetOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #restarts: Restarts;
  readonly #counts = new WorkerCounts();
  /** Where workers listen. Any free port is chosen before the first starts: all share it, also those to come. */
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

  /** How many times a worker ended and was started again. */
  get restarts(): number {
    return this.#restarts.count;
  }

  /** Starts every worker and answers their port. @throws EnckeError with the first worker's reason, all ended */
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

  /** Ready once every worker has started, and then while any worker is ready. */
  get notReady(): string | undefined {
    if (this.#stopping !== undefined) return "draining";
    const reasons = this.#alive.map(({ notReady }) => notReady);
    if (reasons.length === 0) return "no worker is running";
    if (!this.#isStarted) return "starting";
    return reasons.includes(null) ? undefined : (reasons[0] ?? undefined);
  }

  /** Worker processes that are alive. */
  get size(): number {
    return this.#alive.length;
  }

  get #alive(): WorkerProcess[] {
    return [...this.#workers].filter(({ isAlive }) => isAlive);
  }

  /**
   * All processes' metrics as one: levels added up, and counts with those of the workers that have ended. A worker reports
   * when it is asked here and before it ends by itself; what one counted that was killed since the last page is not in any.
   */
  async metrics(): Promise<string> {
    const asked = [...this.#workers].map((worker) => worker.report());
    const [alongside] = await Promise.all([this.#options.alongside(), ...asked]);
    const reports = [...this.#workers].map(({ metrics }) => [...metrics]);
    return AggregatorRegistry.aggregate([...reports, [...this.#counts.ended], alongside]).metrics();
  }

  /** Drains every worker and waits for their end. Idempotent. */
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

  /** The first worker takes the port; where any will do, and somebody was quicker, another. */
  async #startFirst(): Promise<number> {
    const asked = this.#options.config.listen;
    if ("path" in asked) {
      this.#releasePath = await claimSocketPath(asked.path);
      return this.#fork();
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (asked.port === 0) this.#listen = { ...asked, port: await anyFreePort(asked.host) };
        // with sockets of their own, workers would share a port even with strangers who do the same
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
    // each worker accepts by itself: nothing passes through here. setupPrimary freezes it
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: program, execArgv, stdio: WORKER_STDIO });
    const worker = cluster.fork();
    worker.on("error", () => {}); // the process's own, told twice
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
      onGone: (gone) => {
        if (this.#workers.delete(gone)) this.#counts.keep(gone.metrics);
      },
    });
    this.#workers.add(worker);
    return worker.listening;
  }
}
