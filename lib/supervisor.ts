// Keeps one child process running: starts it, restarts it with a back-off when it ends, and stops it by its
// process id. If this process ends without stopping it, a guard does (guarded-child.ts). Owned by the service
// that needs the child, of which there is at most one at a time.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { EnckeError, messageOf } from "./errors.ts";
import { spawnGuarded, wasNotStarted } from "./guarded-child.ts";
import type { Logger } from "./log.ts";
import { endChild, Restarts } from "./restarts.ts";

/** How much of a child's standard error is stored, to explain why it ended. */
const KEPT_STDERR_CHARS = 2_000;

export interface SupervisorOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The child's environment; by default that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly log: Logger;
  /** Resolves when the child is ready; rejects if it cannot become ready. Called at every start. */
  readonly ready: (child: ChildProcess) => Promise<void>;
  /** Time between SIGTERM and SIGKILL. It also applies when the guard ends the child. */
  readonly stopMs: number;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #restarts: Restarts;
  #child: ChildProcess | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { command, log } = options;
    this.#restarts = new Restarts({
      start: () => this.start(),
      onRestart: (said, waitMs) => log.warn({ command, said, waitMs }, "child ended, restarting"),
    });
  }

  get restarts(): number {
    return this.#restarts.count;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Starts the child and waits until it is ready. @throws EnckeError CHILD_FAILED with the child's standard
   * error
   */
  async start(): Promise<void> {
    let said = "";
    const { command, args, env, stopMs } = this.#options;
    const child = spawnGuarded(command, args, { stopMs, env });
    this.#child = child;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-KEPT_STDERR_CHARS);
    });
    const failed = (how: string): never => {
      throw new EnckeError(
        "CHILD_FAILED",
        `${command} ${how}: ${said.trim() || "it wrote nothing to standard error"}`,
      );
    };
    const died = Promise.all([once(child, "exit"), child.stderr && finished(child.stderr)]).then(
      ([[code, signal]]) =>
        failed(wasNotStarted(code) ? "cannot be started" : `ended (${signal ?? `exit ${code}`})`),
      (error: unknown) => failed(`cannot be started (${messageOf(error)})`),
    );
    died.catch(() => {}); // after the start, an exit leads to a restart instead
    try {
      await Promise.race([this.#options.ready(child), died]);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
    const startedAtMs = performance.now();
    const onExit = (): void => this.#restarts.schedule(performance.now() - startedAtMs, said.trim());
    if (child.exitCode !== null || child.signalCode !== null) onExit();
    else child.once("exit", onExit);
  }

  /** Ends the child and waits until it is gone. Idempotent. */
  async stop(): Promise<void> {
    this.#restarts.stop();
    const child = this.#child;
    if (
      child === undefined ||
      child.exitCode !== null ||
      child.signalCode !== null ||
      child.pid === undefined
    )
      return;
    await endChild(child, () => child.kill("SIGTERM"), { killMs: this.#options.stopMs, event: "exit" });
  }
}
