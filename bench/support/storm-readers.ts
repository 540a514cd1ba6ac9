// The process of storm-readers.ts, as a bench sees it. Owned by the bench, which stops it.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { projectRoot } from "../../lib/project.ts";
import type { Command } from "../storm-readers.ts";

export class StormReaders {
  readonly #child: ChildProcess = fork(join(projectRoot, "dist", "bench", "storm-readers.js"));

  /** Resolves with the reply to a command. */
  async ask<Reply = "done">(command: Command): Promise<Reply> {
    this.#child.send(command);
    const [reply] = (await once(this.#child, "message")) as [Reply];
    return reply;
  }

  stop(): void {
    this.#child.kill();
  }
}
