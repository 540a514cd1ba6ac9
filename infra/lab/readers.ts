// The readers of the end-to-end test: starts them as a child process in the network of the operator, and has
// their last tally.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { InfraError } from "../errors.ts";
import { OPERATOR } from "./network.ts";
import { program, runFolder } from "./places.ts";
import type { News, ReadersConfig } from "./readers-command.ts";
import type { Tally } from "./tls-reader.ts";

const LOOK_MS = 50;
const STOP_MS = 10_000;

export type Counts = Tally & { readonly published: number };

export class Readers {
  readonly #child: ChildProcess;
  #counts: Counts | undefined;
  #stderr = "";

  constructor(config: ReadersConfig) {
    const file = join(runFolder, "readers.json");
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const args = ["netns", "exec", OPERATOR, process.execPath, program, "lab", "readers", file];
    this.#child = spawn("ip", args, { stdio: ["pipe", "pipe", "pipe"] });
    const { stdout, stderr } = this.#child;
    if (stdout !== null)
      createInterface({ input: stdout }).on("line", (line) => {
        this.#counts = JSON.parse(line) as Counts;
      });
    stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2_000);
    });
  }

  /** The counts so far. @throws InfraError LAB_FAILED before the first tally */
  get counts(): Counts {
    if (this.#counts === undefined) throw new InfraError("LAB_FAILED", `no readers: ${this.#stderr}`);
    return this.#counts;
  }

  /** Changes what the readers and the producer use from now on. */
  tell(news: News): void {
    this.#child.stdin?.write(`${JSON.stringify(news)}\n`);
  }

  /** Waits until the condition holds. @throws InfraError LAB_FAILED on a timeout, or if the readers end */
  async until(what: string, holds: (counts: Counts) => boolean, ms = 30_000): Promise<void> {
    const deadline = performance.now() + ms;
    while (this.#counts === undefined || !holds(this.#counts)) {
      if (this.#child.exitCode !== null)
        throw new InfraError("LAB_FAILED", `the readers ended: ${this.#stderr}`);
      if (performance.now() > deadline)
        throw new InfraError(
          "LAB_FAILED",
          `waited ${ms} ms for ${what}, in vain: ${JSON.stringify(this.#counts)}`,
        );
      await delay(LOOK_MS);
    }
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.stdin?.end();
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(killer);
  }
}
