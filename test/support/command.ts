// The `encke` command as its users run it: processes of its own, their output, their exit codes.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../lib/project.ts";
import { waitFor } from "./wait-for.ts";

const MAIN: string = join(projectRoot, "dist", "cli", "main.js");

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** How many descriptors it may hold; as many as the tests, unless said. */
  readonly descriptors?: number;
  /** Descriptors for its output; what goes there is not in `stdout` and `stderr`. */
  readonly output?: { readonly stdout?: number; readonly stderr?: number };
  /** How long it may take to be ready. */
  readonly readyMs?: number;
  /** How long it may take to end, where it is run to its end. */
  readonly endMs?: number;
}

export class EnckeCommand {
  readonly #child: ChildProcess;
  stdout = "";
  stderr = "";
  /** Exit code, or the signal that ended it; undefined while it runs. */
  exit: number | NodeJS.Signals | undefined;

  private constructor(
    args: readonly string[],
    { env = {}, input, descriptors, output = {} }: CommandOptions,
  ) {
    const node = [process.execPath, MAIN, ...args];
    const limited = ["sh", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh", ...node];
    const [file = "", ...rest] = descriptors === undefined ? node : limited;
    this.#child = spawn(file, rest, {
      env: { ...cleanEnv(), ...env },
      stdio: ["pipe", output.stdout ?? "pipe", output.stderr ?? "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.#child.on("close", (code, signal) => {
      this.exit = signal ?? code ?? 1;
    });
    this.#child.stdin?.end(input);
  }

  /** Starts a command and waits until it says `ready`. @throws Error when it ends before */
  static async start(
    args: readonly string[],
    ready: RegExp,
    options: CommandOptions = {},
  ): Promise<EnckeCommand> {
    const command = new EnckeCommand(args, options);
    const isReady = (): boolean => {
      if (command.exit !== undefined)
        throw new Error(`encke ${args.join(" ")} ended (${command.exit}): ${command.stderr}`);
      return ready.test(command.stdout);
    };
    await waitFor(`encke ${args.join(" ")} to say ${ready}`, isReady, options.readyMs);
    return command;
  }

  /** Runs a command to its end. */
  static async run(args: readonly string[], options: CommandOptions = {}): Promise<EnckeCommand> {
    const command = new EnckeCommand(args, options);
    await command.untilExit(options.endMs);
    return command;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first group of a pattern in what it printed. @throws Error where it is not there */
  find(pattern: RegExp): string {
    const found = pattern.exec(this.stdout)?.[1];
    if (found === undefined) throw new Error(`${pattern} is not in ${JSON.stringify(this.stdout)}`);
    return found;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  untilExit(ms = 60_000): Promise<void> {
    return waitFor("the command to end", () => this.exit !== undefined, ms);
  }

  /** Ctrl-C, and the end. */
  async stop(): Promise<void> {
    if (this.exit === undefined) this.kill("SIGINT");
    await this.untilExit();
  }
}

/** The environment without settings of the shell that runs the tests; the choice of a nats-server stays. */
function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(ENCKE_|NATS_(?!SERVER$)|NODE_TEST_)/.test(name)),
  );
}
