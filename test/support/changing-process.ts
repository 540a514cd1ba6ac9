// A separate process that changes a graph until it is killed (changing-graph.ts), and the check of what must
// be in the graph afterwards.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { GraphStore } from "../../graph/index.ts";
import { projectRoot } from "../../lib/project.ts";
import { auditOf, type GraphModel } from "./graph-model.ts";
import { changesOf } from "./random-changes.ts";

const PROGRAM = join(projectRoot, "dist", "test", "support", "changing-graph.js");

export interface ChangeLogOfProcess {
  readonly nats: string;
  /** The process kills itself once the log has acknowledged so many records, before the rows are written. */
  readonly dieAfter?: number;
}

export class ChangingProcess {
  readonly #seed: number;
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;
  output = "";

  /** @param changeLog makes the changes through a change log */
  constructor(directory: string, seed: number, changeLog?: ChangeLogOfProcess) {
    this.#seed = seed;
    const more = changeLog === undefined ? [] : [changeLog.nats, String(changeLog.dieAfter ?? 0)];
    this.#process = spawn(process.execPath, [PROGRAM, directory, String(seed), ...more], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#closed = once(this.#process, "close");
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
  }

  /** The number of calls reported as acknowledged. A line truncated by the kill does not count. */
  get acknowledged(): number {
    return Number(this.output.split("\n").at(-2) ?? 0);
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#closed;
  }

  async untilExit(): Promise<number | null> {
    await this.#closed;
    return this.#process.exitCode;
  }

  /**
   * Asserts that a graph holds everything that was acknowledged, and exactly what its audit says.
   * @param model the graph before the process, which receives the process' changes
   * @param after the last change of the audit before the process
   */
  async check(store: GraphStore, model: GraphModel, after: number): Promise<void> {
    // replays the submitted changes in order, as far as the audit goes, and to the end of the list
    // submitted with the last
    const { changes: found } = await auditOf(store, after);
    const expected: string[] = [];
    for (let number = 0; number < this.acknowledged || expected.length < found.length; number += 1)
      for (const change of changesOf(this.#seed, number))
        if (model.apply(change)) expected.push(`${change.kind} ${change.subscriber} ${change.topic}`);
    assert.deepEqual(found, expected, `seed ${this.#seed}`);
    assert.equal(store.audit.last, after + found.length);
    model.assertEqual(store, `seed ${this.#seed}`);
  }
}
