// What a command is, and how one is added to the command line: its settings become options, and its `run` gets checked
// values. A command throws; the program alone prints errors and chooses the exit code.

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

/** A progress bar for work that takes a while; nothing where there is no terminal. */
export interface Progress {
  /** `done` of the total so far. Cheap: call it as often as convenient. */
  update(done: number): void;
  /** Removes the bar. Call it on success and failure alike. */
  stop(): void;
}

/** What the program gives to every command. */
export interface Environment {
  readonly env: NodeJS.ProcessEnv;
  /** Aborted at the first Ctrl-C or SIGTERM: finish what must be finished and return. */
  readonly signal: AbortSignal;
  /** Runs this program once more, with the arguments that are appended. */
  readonly encke: CommandLine;
  /** Writes a line of the result to standard output, which must take it. */
  print(line: string): void;
  /** Standard output itself, for a result that is a stream. */
  readonly output: () => Writable;
  /** Says where a service is, on standard output; dropped where that takes nothing. */
  announce(line: string): void;
  /** Says something beside the result, on standard error; dropped where that takes nothing. */
  note(line: string): void;
  /** @param what the thing counted, in the plural; @param total 0 where it is not known */
  progress(title: string, what: string, total: number): Progress;
}

export interface Context extends Environment {
  /** By key, where each setting comes from that is not a default. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly log: Logger;
}

/** What every command takes. */
interface CommonSettings {
  readonly config: Setting<string | undefined>;
  readonly logLevel: Setting<LogLevel>;
}
const commonSettings: CommonSettings = {
  config: {
    value: "FILE",
    help: "settings as one JSON object, keys as the flags without dashes",
    schema: text,
  },
  logLevel: { value: "LEVEL", help: LOG_LEVELS.join(", "), schema: oneOf(LOG_LEVELS), default: "warn" },
};
export type CommonValues = ValuesOf<CommonSettings>;

/** The setting of every command whose result a program may read. */
export const json: Setting<boolean> = { help: "print JSON, for programs", schema: flag, default: false };

export interface CommandSpec<Table extends SettingsTable> {
  /** With its group: "graph load". */
  readonly name: string;
  /** What it does, in a line of the program's --help; absent where the command is not shown there. */
  readonly summary?: string;
  /** More than a line, for the command's own --help. */
  readonly details?: string;
  /** As commander spells them: `<file>`, `[payload]`. */
  readonly parameters?: readonly string[];
  readonly settings: Table;
  run(
    context: Context,
    values: ValuesOf<Table> & CommonValues,
    parameters: readonly string[],
  ): Promise<void> | void;
}

/** A command whose values only itself knows. */
export interface Command {
  readonly name: string;
  readonly settings: SettingsTable;
  /** @param known the settings of every command: a name outside them is a typo */
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
  for (const [key, { help, value, short, default: fallback }] of Object.entries(settings)) {
    const flags = `${short === undefined ? "" : `-${short}, `}--${flagName(key)}${value === undefined ? "" : ` <${value}>`}`;
    const shown = value !== undefined && isWorthShowing(fallback) ? `${help} (${fallback})` : help;
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
      `--config ${quote(path)} cannot be used (${messageOf(error)}): it must be a readable JSON file`,
    ]);
  }
}
