// The `encke` command as users run it: a separate process with its own output and exit code.

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { CommandLine } from "../../lib/command.ts";
import { projectRoot } from "../../lib/project.ts";
import { waitFor } from "./wait-for.ts";

const MAIN: string = join(projectRoot, "dist", "cli", "main.js");
/** How to run the command; arguments are appended. */
export const encke: CommandLine = [process.execPath, MAIN];

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Limit of open descriptors; the limit of the tests by default. */
  readonly descriptors?: number;
  /** Descriptors that receive the output, which is then missing from `stdout` and `stderr`. */
  readonly output?: { readonly stdout?: number; readonly stderr?: number };
  /** Time within which the command must be ready. */
  readonly readyMs?: number;
  /** Time within which the command must end, if it is run to its end. */
  readonly endMs?: number;
}

export class EnckeCommand {
  readonly #child: ChildProcess;
  stdout = "";
  stderr = "";
  /** Exit code, or the signal that ended the process; undefined while it runs. */
  exit: number | NodeJS.Signals | undefined;

  private constructor(
    args: readonly string[],
    { env = {}, input, descriptors, output = {} }: CommandOptions,
  ) {
    const node = [...encke, ...args];
    const limited = ["sh", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh", ...node];
    const [file = "", ...rest] = descriptors === undefined ? node : limited;
    this.#child = spawn(file, rest, {
      env: { ...cleanEnvironment(), ...env },
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

  /**
   * Starts a command and waits until its output matches `ready`.
   * @throws Error if the command ends first
   */
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
    await waitFor(`encke ${args.join(" ")} to print ${ready}`, isReady, options.readyMs);
    return command;
  }

  /** Runs a command until it ends. */
  static async run(args: readonly string[], options: CommandOptions = {}): Promise<EnckeCommand> {
    const command = new EnckeCommand(args, options);
    await command.untilExit(options.endMs);
    return command;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Returns the first group of a pattern in the output.
   * @throws Error if the output does not match
   */
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

  /** Stops the command as Ctrl-C does, and waits until it has ended. */
  async stop(): Promise<void> {
    if (this.exit === undefined) this.kill("SIGINT");
    await this.untilExit();
  }
}

/** Returns the environment without settings of the developer's shell, except the selected nats-server. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(ENCKE_|NATS_(?!SERVER$)|NODE_TEST_)/.test(name),
  );
  // no context of the developer's nats CLI is selected
  return { ...Object.fromEntries(inherited), XDG_CONFIG_HOME: join(projectRoot, ".cache", "no-config") };
}
