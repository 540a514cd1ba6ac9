// The reader's side: one C process that opens the streams and counts the messages.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../test/support/temp-dir.ts";
import { cpuSeconds } from "../support/process-figures.ts";
import type { Hello } from "./hello.ts";
import { compile, NativeProgram } from "./native-program.ts";

export interface ReaderStats {
  readonly open: number;
  readonly failed: number;
  readonly closed: number;
  readonly messages: number;
  /** Number of malformed stamps. */
  readonly malformed: number;
  /** The lowest and the highest number of messages that a stream has received. */
  readonly least: number;
  readonly most: number;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export class CountingReader {
  readonly #program: NativeProgram;

  constructor(port: number, { request, after }: Hello, streams: number) {
    const file = join(tempDir(), "request");
    writeFileSync(file, request);
    const args = ["127.0.0.1", String(port), String(streams), "1", file, after];
    this.#program = new NativeProgram(compile("count-client"), args);
  }

  async stats(): Promise<ReaderStats> {
    return JSON.parse(await this.#program.ask("stats")) as ReaderStats;
  }

  /** Resets all counts. */
  async reset(): Promise<void> {
    await this.#program.ask("reset");
  }

  get cpuSeconds(): number {
    return cpuSeconds(this.#program.pid);
  }

  /** Resets every connection. */
  stop(): Promise<void> {
    return this.#program.stop();
  }
}
