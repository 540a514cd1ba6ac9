// Writes what happened in a run to files, to find the cause of a failure: every block of every reader, every
// fault, and what the services logged. Owned by the test; bounded by the run.

import { createWriteStream, mkdirSync, type WriteStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Block } from "../resume/blocks.ts";
import { nowMs } from "../resume/received.ts";
import type { InjectedFault } from "./faults.ts";

export class Trace {
  readonly #folder: string;
  readonly #blocks: WriteStream;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#blocks = createWriteStream(join(folder, "blocks.txt"));
  }

  note(reader: string, connection: number, { kind, cursor, event, hole, reason }: Block): void {
    const what = event === undefined ? (hole ?? reason) : [event.topic, event.id, event.data];
    const text = JSON.stringify(what ?? null, (key, value) => (key === "pad" ? undefined : value));
    this.#blocks.write(`${iso(nowMs())} ${reader} #${connection} ${kind} ${cursor} ${text}\n`);
  }

  end(faults: readonly InjectedFault[], logs: ReadonlyMap<string, string>): void {
    this.#blocks.end();
    const lines = faults.map(
      ({ part, kind, clockMs, fromMs, toMs, recoveredMs }) =>
        `${iso(fromMs)} … ${iso(toMs)} … ${iso(recoveredMs)} ${part} ${kind} ${clockMs}`,
    );
    writeFileSync(join(this.#folder, "faults.txt"), `${lines.join("\n")}\n`);
    for (const [name, log] of logs)
      writeFileSync(join(this.#folder, `${name.replaceAll(/\W/g, "-")}.log`), log);
  }
}

function iso(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 23) : "never";
}
