// What a command is, and how one is hung into the command line: its settings become options, its run gets checked
// values. A command throws; main.ts alone prints errors and chooses the exit code.

import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import type { Command as Commander } from "commander";
import { messageOf, quote } from "../lib/errors.ts";
import { createLogger, type Logger } from "../lib/log.ts";
import {
  type AnySettings,
  flagName,
  resolveSettings,
  type Settings,
  SettingsError,
} from "../lib/settings.ts";
import { type CommonValues, commonSettings, everySetting } from "./settings.ts";

/** What every command may use. */
export interface Context {
  readonly log: Logger;
  readonly env: NodeJS.ProcessEnv;
  /** Aborted at the first Ctrl-C or SIGTERM: finish what must be finished and return. */
  readonly signal: AbortSignal;
  /** Writes a line of the answer to standard output, which must take it. */
  print(line: string): void;
  /** Standard output itself, for an answer that comes as a stream. */
  readonly output: () => Writable;
  /** Says where a service is, on standard output; dropped where that takes nothing. */
  announce(line: string): void;
  /** Says something beside the answer, on standard error; likewise. */
  note(line: string): void;
}

export interface CommandSpec<V> {
  /** With its group: "graph load". */
  readonly name: string;
  readonly summary: string;
  /** More than a line, for the command's own --help. */
  readonly details?: string;
  /** As commander spells them: `<file>`, `[payload]`. */
  readonly parameters?: readonly string[];
  readonly settings: Settings<V>;
  run(context: Context, values: V & CommonValues, parameters: readonly string[]): Promise<void>;
}

/** A command whose values only itself knows. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  addTo(group: Commander, environment: Omit<Context, "log">): void;
}

export function defineCommand<V>(spec: CommandSpec<V>): Command {
  const settings: Settings<V & CommonValues> = { ...spec.settings, ...commonSettings } as Settings<
    V & CommonValues
  >;
  return {
    name: spec.name,
    summary: spec.summary,
    addTo(group, environment) {
      const command = group.command(spec.name.split(" ").at(-1) ?? spec.name).description(spec.summary);
      for (const parameter of spec.parameters ?? []) command.argument(parameter);
      addOptions(command, settings);
      if (spec.details !== undefined) command.addHelpText("after", `\n${spec.details}`);
      command.action(async () => {
        const flags = command.opts<Record<string, unknown>>();
        const { env } = environment;
        const path = flags.config ?? env.ENCKE_CONFIG;
        const file = typeof path === "string" && path !== "" ? readConfig(path) : undefined;
        const values = resolveSettings(settings, everySetting, { flags, env, file });
        const log = createLogger(spec.name, values.logLevel);
        await spec.run({ ...environment, log }, values, command.args);
      });
    },
  };
}

function addOptions(command: Commander, settings: AnySettings): void {
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
