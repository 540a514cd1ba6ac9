// The operator of the end-to-end test: follows docs/deploy.md command by command, in one shell. The folder
// and the exported variables of the shell are kept in a file between two commands, so that a later run can
// continue in it.

import { readFileSync, writeFileSync } from "node:fs";
import { InfraError } from "../errors.ts";
import { run } from "../run.ts";
import { failuresOf, type Played, playedOf } from "./ansible.ts";
import { NEEDS_REGISTRY, NOT_RUN } from "./exceptions.ts";
import { commandsOf, type GuideCommand, locate } from "./guide.ts";
import type { Lab } from "./lab.ts";
import { checkout, guideFile, home, shellFile, sshSockets } from "./places.ts";

/** The longest command is the first site.yml. */
const COMMAND_MS = 600_000;
const ANY_STATUS: readonly number[] = Array.from({ length: 255 }, (_, index) => index + 1);
const SHOWN_CHARS = 2_000;

/** Restores the shell as the last command left it, runs the next command, and saves the shell again. */
const SHELL = `. "$LAB_SHELL"
trap '{ export -p | grep -v "^declare -x HOME="; printf "cd %q\\n" "$PWD"; } > "$LAB_SHELL"' EXIT
eval "$1"`;

/** Variables that a command of the text reads. */
export type Variables = Readonly<Record<string, string>>;

export interface RunAgainOptions {
  readonly variables?: Variables;
  /** Runs the command in another way: receives the line that runs it, and returns another. */
  readonly change?: (line: string) => string;
  /** The command is allowed to fail. */
  readonly mayFail?: boolean;
}

export class Operator {
  readonly #lab: Lab;
  readonly #signal: AbortSignal;
  readonly #commands: readonly GuideCommand[];
  readonly #done = new Set<GuideCommand>();
  #resumed = false;

  /** @param ids commands whose sections are followed */
  constructor(lab: Lab, signal: AbortSignal, ids: readonly string[]) {
    this.#lab = lab;
    this.#signal = signal;
    const commands = commandsOf(readFileSync(guideFile, "utf8"));
    const sections = ids.map((id) => locate(commands, id).section);
    this.#commands = commands.filter(({ section }) => sections.includes(section));
  }

  /** Starts a new shell with these variables. */
  begin(variables: Variables): void {
    writeFileSync(shellFile, exportOf(variables));
  }

  /** Counts everything up to these commands as done by an earlier run. */
  resume(ids: readonly string[]): void {
    this.#resumed = true;
    for (const id of ids) for (const command of this.#upTo(id)) this.#done.add(command);
  }

  /**
   * Runs the commands of the section that were not run yet, up to this one, and returns what the last one
   * did.
   * @param variables stay exported in the shell
   * @throws InfraError LAB_FAILED if a command fails or the text does not have it
   */
  async follow(id: string, variables: Variables = {}): Promise<Played> {
    let played = playedOf(0, "");
    for (const command of this.#upTo(id)) {
      if (this.#done.has(command)) continue;
      this.#done.add(command);
      if (command.id in NOT_RUN) continue;
      played = await this.#run(command, exportOf(variables) + lineOf(command), false);
    }
    return played;
  }

  /** Runs one command, even if it was run before, in a subshell. @throws InfraError LAB_FAILED as above */
  async again(
    id: string,
    { variables = {}, change, mayFail = false }: RunAgainOptions = {},
  ): Promise<Played> {
    const command = locate(this.#commands, id);
    this.#done.add(command);
    const line = lineOf(command);
    return this.#run(command, `(${exportOf(variables)}${change?.(line) ?? line})`, mayFail);
  }

  /** How many commands were followed, how many of them the lab leaves out, and which were not reached. */
  get account(): { followed: number; leftOut: number; missed: readonly GuideCommand[] } {
    return {
      followed: this.#done.size,
      leftOut: [...this.#done].filter(({ id }) => id in NOT_RUN).length,
      missed: this.#resumed ? [] : this.#commands.filter((command) => !this.#done.has(command)),
    };
  }

  #upTo(id: string): readonly GuideCommand[] {
    const last = locate(this.#commands, id);
    return this.#commands.filter(({ section, line }) => section === last.section && line <= last.line);
  }

  async #run({ id, line, text }: GuideCommand, shellLine: string, mayFail: boolean): Promise<Played> {
    const options = {
      cwd: checkout,
      env: {
        LAB_SHELL: shellFile,
        // By default the sockets are in ~/.ansible and named by address only, so that those of another lab
        // would be used.
        ANSIBLE_SSH_CONTROL_PATH_DIR: sshSockets,
        ANSIBLE_FORCE_COLOR: "0",
        ANSIBLE_NOCOLOR: "1",
      },
      timeoutMs: COMMAND_MS,
      signal: this.#signal,
      accept: ANY_STATUS,
    };
    const inLab = { ...options, env: { ...options.env, HOME: home } };
    const args = ["--noprofile", "--norc", "-c", SHELL, "bash", shellLine];
    const { status, stdout, stderr } = await (NEEDS_REGISTRY.has(id)
      ? run("bash", args, options)
      : this.#lab.runInside("bash", args, inLab));
    const played = playedOf(status, stdout);
    if (status === 0 || mayFail) return played;
    const output = failuresOf(stdout) || stdout.slice(-SHOWN_CHARS);
    throw new InfraError(
      "LAB_FAILED",
      `docs/deploy.md:${line}: ${text}\nended with ${status}:\n${output}\n${stderr.slice(-SHOWN_CHARS)}`,
    );
  }
}

const lineOf = ({ id }: GuideCommand): string => `. infra/guide/${id}.sh`;

function exportOf(variables: Variables): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join("");
}
