// The definition of a command, and how it becomes part of the command line. Its settings become options, and
// its `run` receives validated values. A command throws errors; only the program prints them and chooses the
// exit code.

import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import type { Command as Commander } from "commander";
import { messageOf, quote } from "./errors.ts";
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "./log.ts";
import { flag, oneOf, text } from "./schemas.ts";
import {
  flagName,
  type Origin,
  resolveSettings,
  type Setting,
  SettingsError,
  type SettingsTable,
  type ValuesOf,
} from "./settings.ts";

/** A program and its arguments. */
export type CommandLine = readonly [command: string, ...args: string[]];

/** A progress bar for long work. Nothing is shown unless standard error is a terminal. */
export interface Progress {
  /** Reports how much is done in all. Cheap enough to call in a loop. */
  update(done: number): void;
  /** Removes the bar. Must be called on success and on failure. */
  stop(): void;
}

/** What the program provides to every command. */
export interface Environment {
  readonly env: NodeJS.ProcessEnv;
  /**
   * Aborted by the first Ctrl-C or SIGTERM: the command must finish what cannot be left undone, and return.
   */
  readonly signal: AbortSignal;
  /** The command line that runs this program again; arguments are appended. */
  readonly encke: CommandLine;
  /** Prints a line of the result to standard output. The program fails if it cannot be written. */
  print(line: string): void;
  /** Returns standard output, for a result that is written as a stream. */
  readonly output: () => Writable;
  /** Prints where a service listens to standard output. The line is dropped if it cannot be written. */
  announce(line: string): void;
  /** Prints a remark to standard error. The line is dropped if it cannot be written. */
  note(line: string): void;
  /**
   * @param what the unit that is counted, in the plural
   * @param total 0 if unknown
   */
  progress(title: string, what: string, total: number): Progress;
}

export interface Context extends Environment {
  /** The origin of each value that is not a default, by key. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly log: Logger;
}

/** The settings that every command takes. */
interface CommonSettings {
  readonly config: Setting<string | undefined>;
  readonly logLevel: Setting<LogLevel>;
}
const commonSettings: CommonSettings = {
  config: {
    value: "FILE",
    help: "JSON file of settings; its keys are the flags without the leading dashes",
    schema: text,
  },
  logLevel: { value: "LEVEL", help: LOG_LEVELS.join(", "), schema: oneOf(LOG_LEVELS), default: "warn" },
};
export type CommonValues = ValuesOf<CommonSettings>;

/** The setting of all commands whose result a program may read. */
export const json: Setting<boolean> = { help: "print JSON", schema: flag, default: false };

export interface CommandSpec<Table extends SettingsTable> {
  /** The full name, with its group: "graph load". */
  readonly name: string;
  /** One line for the program's --help. A command without it is hidden there. */
  readonly summary?: string;
  /** Further lines for the command's own --help. */
  readonly details?: string;
  /** In commander's notation: `<file>` is required, `[payload]` optional. */
  readonly parameters?: readonly string[];
  readonly settings: Table;
  run(
    context: Context,
    values: ValuesOf<Table> & CommonValues,
    parameters: readonly string[],
  ): Promise<void> | void;
}

/** A command. The type of its values is private to it. */
export interface Command {
  readonly name: string;
  readonly settings: SettingsTable;
  /** @param known the settings of all commands; any other name in the environment or the file is a typo */
  addTo(group: Commander, environment: Environment, known: SettingsTable): void;
}

export function defineCommand<Table extends SettingsTable>(spec: CommandSpec<Table>): Command {
  const { name, summary, details, parameters = [] } = spec;
  const settings = { ...spec.settings, ...commonSettings };
  return {
    name,
    settings,
    addTo(group, environment, known) {
      const command = group.command(name.split(" ").at(-1) ?? name, { hidden: summary === undefined });
      command.description(summary ?? "").allowUnknownOption(summary === undefined);
      for (const parameter of parameters) command.argument(parameter);
      addOptions(command, settings);
      if (details !== undefined) command.addHelpText("after", `\n${details}`);
      command.action(async () => {
        const flags = command.opts<Record<string, unknown>>();
        const { env } = environment;
        const path = flags.config ?? env.ENCKE_CONFIG;
        const file = typeof path === "string" && path !== "" ? readConfig(path) : undefined;
        const origins = new Map<string, Origin>();
        const values = resolveSettings(settings, known, { flags, env, file }, origins) as ValuesOf<Table> &
          CommonValues;
        const log = createLogger(name, values.logLevel);
        await spec.run({ ...environment, log, origins }, values, command.args);
      });
    },
  };
}

function addOptions(command: Commander, settings: SettingsTable): void {
  for (const [key, { help, value, short, default: fallback, defaultText }] of Object.entries(settings)) {
    const flags = `${short === undefined ? "" : `-${short}, `}--${flagName(key)}${value === undefined ? "" : ` <${value}>`}`;
    const shown =
      value !== undefined && isWorthShowing(fallback) ? `${help} (${defaultText ?? fallback})` : help;
    command.option(flags, shown);
  }
}

function isWorthShowing(fallback: unknown): boolean {
  if (Array.isArray(fallback)) return fallback.length > 0;
  return fallback !== undefined && fallback !== 2_147_483_647;
}

function readConfig(path: string): { path: string; values: unknown } {
  try {
    return { path, values: JSON.parse(readFileSync(path, "utf8")) };
  } catch (error) {
    throw new SettingsError([
      `--config ${quote(path)} cannot be used (${messageOf(error)}): it must be a JSON file that this user can read`,
    ]);
  }
}
