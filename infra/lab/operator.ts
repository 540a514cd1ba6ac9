// The operator of the end-to-end test: follows docs/deploy.md command by command, in one shell, whose folder and
// exported variables are kept in a file between two commands, so that an interrupted or later run goes on in it.

import { readFileSync, writeFileSync } from "node:fs";
import { InfraError } from "../errors.ts";
import { run } from "../run.ts";
import { failuresOf, type Played, playedOf } from "./ansible.ts";
import { FOLLOWED, inLab, type LabCommand } from "./differences.ts";
import { commandsOf, type GuideCommand, locate, type Place } from "./guide.ts";
import type { Lab } from "./lab.ts";
import { checkout, guideFile, shellFile, sshSockets } from "./places.ts";

/** The longest command is the first site.yml. */
const COMMAND_MS = 600_000;
const ANY_STATUS: readonly number[] = Array.from({ length: 255 }, (_, index) => index + 1);
const SHOWN_CHARS = 2_000;

/** Takes up the shell where the last command left it, runs the next, and leaves it for the one after. */
const SHELL = `[ ! -e "$LAB_SHELL" ] || . "$LAB_SHELL"
trap '{ export -p; printf "cd %q\\n" "$PWD"; } > "$LAB_SHELL"' EXIT
eval "$1"`;

export interface AgainOptions {
  /** Makes of the text's command another one: an argument more, another name. */
  readonly change?: (text: string) => string;
  /** That it fails is what is asked for. */
  readonly mayFail?: boolean;
}

export class Operator {
  readonly #lab: Lab;
  readonly #signal: AbortSignal;
  readonly #commands: readonly GuideCommand[];
  readonly #done = new Set<GuideCommand>();
  #resumed = false;

  /** @param titles whose commands are to be followed */
  constructor(lab: Lab, signal: AbortSignal, titles: readonly string[] = FOLLOWED) {
    this.#lab = lab;
    this.#signal = signal;
    this.#commands = commandsOf(readFileSync(guideFile, "utf8")).filter(({ title }) =>
      titles.includes(title),
    );
  }

  /** A new shell, in the checkout's folder. */
  begin(): void {
    writeFileSync(shellFile, "");
  }

  /** An earlier run came so far. */
  resume(places: readonly Place[]): void {
    this.#resumed = true;
    for (const place of places) for (const command of this.#upTo(place)) this.#done.add(command);
  }

  /**
   * Runs what stands under the place's title and was not run yet, in its order, up to the place; answers for the last.
   * @throws InfraError LAB_FAILED where a command fails, or the text has no such place
   */
  async follow(place: Place): Promise<Played> {
    let played = playedOf(0, "");
    for (const command of this.#upTo(place)) {
      if (this.#done.has(command)) continue;
      played = await this.#run(command, inLab(command), false);
      this.#done.add(command);
    }
    return played;
  }

  /** Runs a command of the text once more, or another one made of it. @throws InfraError LAB_FAILED likewise */
  async again(place: Place, { change, mayFail = false }: AgainOptions = {}): Promise<Played> {
    const command = locate(this.#commands, place);
    const { text, ...rest } = inLab(command);
    const changed = text === undefined ? undefined : (change?.(text) ?? text);
    return this.#run(command, { ...rest, text: changed }, mayFail);
  }

  /** How many commands of the text were followed, how many of them the lab leaves out, and what was not come to. */
  get account(): { followed: number; leftOut: number; missed: readonly GuideCommand[] } {
    return {
      followed: this.#done.size,
      leftOut: [...this.#done].filter((command) => inLab(command).text === undefined).length,
      missed: this.#resumed ? [] : this.#commands.filter((command) => !this.#done.has(command)),
    };
  }

  #upTo(place: Place): readonly GuideCommand[] {
    const last = locate(this.#commands, place);
    return this.#commands.filter(({ title, line }) => title === last.title && line <= last.line);
  }

  async #run({ line }: GuideCommand, { text, network }: LabCommand, mayFail: boolean): Promise<Played> {
    if (text === undefined) return playedOf(0, "");
    const options = {
      cwd: checkout,
      env: {
        LAB_SHELL: shellFile,
        // by default they lie in ~/.ansible and go by address alone: another lab's would be taken for ours
        ANSIBLE_SSH_CONTROL_PATH_DIR: sshSockets,
        ANSIBLE_FORCE_COLOR: "0",
        ANSIBLE_NOCOLOR: "1",
      },
      timeoutMs: COMMAND_MS,
      signal: this.#signal,
      accept: ANY_STATUS,
    };
    const args = ["--noprofile", "--norc", "-c", SHELL, "bash", text];
    const { status, stdout, stderr } = await (network === "lab"
      ? this.#lab.runInside("bash", args, options)
      : run("bash", args, options));
    const played = playedOf(status, stdout);
    if (status === 0 || mayFail) return played;
    const said = failuresOf(stdout) || stdout.slice(-SHOWN_CHARS);
    throw new InfraError(
      "LAB_FAILED",
      `docs/deploy.md:${line}: ${text}\nended with ${status}:\n${said}\n${stderr.slice(-SHOWN_CHARS)}`,
    );
  }
}
