// The bench's C programs: compiled when needed, controlled by lines, and stopped by the end of their input.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { cacheDir, projectRoot } from "../../lib/project.ts";

/**
 * Compiles a file of bench/peers.
 * @throws Error if there is no C compiler
 */
export function compile(name: string): string {
  const folder = join(cacheDir, "bench");
  const program = join(folder, name);
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync("cc", ["-O2", "-o", program, join(projectRoot, "bench", "peers", `${name}.c`)]);
  } catch (cause) {
    throw new Error(`${name}.c does not compile: install a C compiler (Debian: apt install gcc)`, { cause });
  }
  return program;
}

export class NativeProgram {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor(program: string, args: readonly string[] = []) {
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Sends a line and returns the program's next one. Call it again only after it has returned.
   * @throws Error if the program ended instead
   */
  nextLine(): Promise<string> {
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(new Error(`${this.#child.spawnfile} ended`));
      this.#lines.once("close", onEnd);
      this.#lines.once("line", (line) => {
        this.#lines.removeListener("close", onEnd);
        resolve(line);
      });
    });
  }

  ask(line: string): Promise<string> {
    const answer = this.nextLine();
    this.#child.stdin?.write(`${line}\n`);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin?.end();
    await gone;
  }
}
