// The edge's processes: a supervisor that holds no stream, and workers that share one port and accept by themselves:
// each on a socket of its own where the native addon opens it, else on one that Node's cluster shares out. The
// supervisor restarts a worker that dies, adds up what all of them have counted, those that ended included, passes on
// what they log, and drains them all on the way out. Workers end when the supervisor is gone.

import { type ChildProcess, fork } from "node:child_process";
import cluster from "node:cluster";
import { setTimeout as delay } from "node:timers/promises";
import { AggregatorRegistry } from "prom-client";
import { Backoff } from "../lib/backoff.ts";
import { codeOf, EnckeError } from "../lib/errors.ts";
import { forwardLines } from "../lib/forward-lines.ts";
import type { Logger } from "../lib/log.ts";
import { standardError } from "../lib/output.ts";
import { anyFreePort, isPortFree } from "../lib/ports.ts";
import { describeListener } from "../lib/processes.ts";
import type { EdgeConfig, ListenAt } from "./config.ts";
import { EdgeError } from "./errors.ts";
import { explainListen } from "./node/listen.ts";
import { claimSocketPath } from "./node/socket-path.ts";
import { type MetricReport, WorkerCounts } from "./worker-counts.ts";

/** V8 would grow its young generation to 32 MB a process; at rest a stream needs none of it. Half of this costs a third more CPU an accept. */
export const WORKER_FLAGS: readonly string[] = ["--max-semi-space-size=2"];
/** A port that was free a moment ago may be a busy client's by now. */
const PORT_ATTEMPTS = 5;
/** A worker that has not reported by then counts as it last did. */
const REPORT_MS = 2_000;
/** Standard input and output: none. Its log comes through us (line-sink.ts says why). */
const WORKER_STDIO: ("ignore" | "pipe" | "ipc")[] = ["ignore", "ignore", "pipe", "ipc"];
/** After a drain's own deadline, a worker gets so much longer before it is killed. */
const KILL_AFTER_MS = 5_000;
/** A worker that lived so long had started well. */
const SETTLED_MS = 10_000;

/** Supervisor → worker. */
export type ToWorker =
  | { readonly type: "start"; readonly config: EdgeConfig }
  | { readonly type: "drain" }
  | { readonly type: "metrics" };

/** Worker → supervisor. A worker speaks first: what is sent before its program has loaded is lost. */
export type FromWorker =
  | { readonly type: "loaded" }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "status"; readonly notReady: string | null }
  | { readonly type: "metrics"; readonly metrics: readonly MetricReport[] };

export interface FleetOptions {
  readonly config: EdgeConfig;
  readonly workers: number;
  /** The worker's program (cli/worker.ts). */
  readonly program: string;
  /** Metrics of another service in this process, shown together with the workers'. */
  readonly alongside: () => Promise<object[]>;
  readonly log: Logger;
}

interface Member {
  readonly worker: ChildProcess;
  readonly startedAtMs: number;
  /** Its program has loaded: it receives what is sent. */
  loaded: boolean;
  /** It has come up; an end from here on is a crash to recover from. */
  listening: boolean;
  /** It has exited; its last messages may still be on their way. */
  ended: boolean;
  notReady: string | null;
  /** Its last report. */
  metrics: readonly MetricReport[];
  /** Waits for its next report; at most one is asked for at a time. */
  report: { readonly arrived: Promise<void>; readonly settle: () => void } | undefined;
}

export class EdgeFleet {
  readonly #options: FleetOptions;
  readonly #members = new Set<Member>();
  readonly #backoff = new Backoff(100, 5_000);
  readonly #counts = new WorkerCounts();
  readonly #retries = new Set<NodeJS.Timeout>();
  /** Where workers listen. Any free port is chosen before the first starts: all share it, also those to come. */
  #listen: ListenAt;
  #releasePath = (): void => {};
  #stopping: Promise<void> | undefined;
  restarts = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#listen = options.config.listen;
  }

  /** Starts every worker and answers their port. @throws EnckeError with the first worker's reason, all ended */
  async start(): Promise<number> {
    const { workers } = this.#options;
    try {
      const port = await this.#startFirst();
      await Promise.all(Array.from({ length: workers - 1 }, () => this.#fork()));
      return port;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Not ready only when no worker is. */
  get notReady(): string | undefined {
    if (this.#stopping !== undefined) return "draining";
    const reasons = [...this.#members].filter(({ ended }) => !ended).map(({ notReady }) => notReady);
    if (reasons.includes(null)) return undefined;
    return reasons[0] ?? "no worker is running";
  }

  /** Worker processes that are alive. */
  get size(): number {
    return [...this.#members].filter(({ ended }) => !ended).length;
  }

  /**
   * All processes' metrics as one: levels added up, and counts with those of the workers that have ended. A worker reports
   * when it is asked here and before it ends by itself; what one counted that was killed since the last page is not in any.
   */
  async metrics(): Promise<string> {
    const [alongside] = await Promise.all([this.#options.alongside(), this.#askAll()]);
    const reports = [...this.#members].map(({ metrics }) => [...metrics]);
    return AggregatorRegistry.aggregate([...reports, [...this.#counts.ended], alongside]).metrics();
  }

  /** Drains every worker and waits for their end. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #drain(): Promise<void> {
    for (const retry of this.#retries) clearTimeout(retry);
    const ends = [...this.#members].map(({ worker }) => {
      const ended = new Promise<void>((resolve) => worker.once("close", () => resolve()));
      send(worker, { type: "drain" });
      const killer = setTimeout(() => worker.kill("SIGKILL"), this.#options.config.drainMs + KILL_AFTER_MS);
      return ended.finally(() => clearTimeout(killer));
    });
    await Promise.all(ends);
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
    const worker = this.#startProcess();
    if (worker.stderr !== null) forwardLines(worker.stderr, standardError);
    const member: Member = {
      ...{ worker, startedAtMs: performance.now(), loaded: false, listening: false, ended: false },
      ...{ notReady: "starting", metrics: [], report: undefined },
    };
    this.#members.add(member);
    return new Promise((resolve, reject) => {
      worker.on("message", (message: FromWorker) => {
        if (message.type === "loaded") {
          member.loaded = true;
          send(
            worker,
            this.#stopping === undefined
              ? { type: "start", config: { ...this.#options.config, listen: this.#listen } }
              : { type: "drain" },
          );
        } else if (message.type === "listening") {
          member.listening = true;
          resolve(message.port);
        } else if (message.type === "failed") reject(new EnckeError(message.code, message.message));
        else if (message.type === "status") member.notReady = message.notReady;
        else if (message.type === "metrics") {
          member.metrics = message.metrics;
          member.report?.settle();
        }
      });
      worker.on("error", (error) => {
        if (worker.pid !== undefined) return; // told something as it ended: its exit follows
        this.#members.delete(member);
        reject(
          new EnckeError(
            "WORKER_FAILED",
            `an edge worker cannot be started (${error.message}): see \`encke doctor\``,
            { cause: error },
          ),
        );
      });
      // after its last message
      worker.once("close", () => {
        this.#members.delete(member);
        this.#counts.keep(member.metrics);
      });
      worker.once("exit", (code, signal) => {
        member.ended = true;
        member.report?.settle();
        const how = signal ?? `exit ${code}`;
        reject(
          new EnckeError(
            "WORKER_FAILED",
            `an edge worker ended (${how}) before it listened: see its log above`,
          ),
        );
        if (member.listening) this.#replace(member, how);
      });
    });
  }

  #replace(member: Member, how: string): void {
    if (this.#stopping !== undefined) return;
    if (performance.now() - member.startedAtMs > SETTLED_MS) this.#backoff.reset();
    const waitMs = this.#backoff.nextMs();
    this.restarts += 1;
    this.#options.log.warn({ how, waitMs }, "edge worker ended, restarting");
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      this.#fork().catch((error: unknown) => this.#replace(member, String(error)));
    }, waitMs);
    this.#retries.add(retry);
  }

  /** Has every worker report; one that does not in time is not waited for. */
  async #askAll(): Promise<void> {
    await Promise.all([...this.#members].map((member) => ask(member)));
  }
}

function ask(member: Member): Promise<void> {
  if (!member.loaded || member.ended) return Promise.resolve();
  if (member.report === undefined) {
    let settle = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      settle = () => {
        member.report = undefined;
        resolve();
      };
    });
    member.report = { arrived, settle };
    send(member.worker, { type: "metrics" });
  }
  return Promise.race([member.report.arrived, delay(REPORT_MS, undefined, { ref: false })]);
}

function send(worker: ChildProcess, message: ToWorker): void {
  if (worker.connected) worker.send(message);
}
