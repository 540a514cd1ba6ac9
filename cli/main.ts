#!/usr/bin/env node

// The `encke` command. The only place that reads argv, prints errors and chooses the exit code: 0 done, 1 failed,
// 2 wrong usage.

import { Command, CommanderError } from "commander";
import type { Environment } from "../lib/command.ts";
import { codeOf } from "../lib/errors.ts";
import { guardStandardError, LAST_WORDS_MS } from "../lib/guard.ts";
import { standardError, standardOutput } from "../lib/output.ts";
import { version } from "../lib/project.ts";
import { Answers } from "./answers.ts";
import { commands, groups } from "./commands/index.ts";
import { explain } from "./explain.ts";
import { endsAtHangup } from "./hangup.ts";
import { importLoadCommands } from "./load-commands.ts";
import { ownCommand } from "./own-command.ts";
import { createProgress } from "./progress.ts";

/** Mistakes in what was typed, found after the command line itself was understood. */
const USAGE_CODES = new Set([
  "BAD_SETTINGS",
  "BAD_TOPIC",
  "BAD_USER",
  "BAD_SUBJECT",
  "BAD_NATS_URL",
  "BAD_NATS_CONTEXT",
  "BAD_CONFIG",
  "USAGE",
]);

guardStandardError(process.exit);
const stopping = new AbortController();
/** A second Ctrl-C means now. */
function onSignal(): void {
  if (stopping.signal.aborted) process.exit(1);
  stopping.abort();
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
process.on("SIGHUP", endsAtHangup() ? onSignal : () => {});

const answers = new Answers((error) => process.exit(error === undefined ? 0 : report(error)));
const note = (text: string): void => standardError.writePatiently(text, LAST_WORDS_MS);
const environment: Environment = {
  env: process.env,
  signal: stopping.signal,
  encke: ownCommand,
  print: answers.print,
  output: () => answers.stream,
  announce: (line) => standardOutput.writePatiently(`${line}\n`, LAST_WORDS_MS),
  note: (line) => note(`${line}\n`),
  progress: createProgress,
};

const program = new Command("encke")
  .description("Friends' activity, live, over plain HTTP, to a million open browsers")
  .version(version, "-V, --version", "print the version")
  .showHelpAfterError("(`encke --help` and `encke COMMAND --help` tell more)")
  .configureOutput({ writeOut: (text) => void answers.stream.write(text), writeErr: note });
const parents = new Map(
  groups.map(({ name, summary }) => [name, program.command(name).description(summary)]),
);
const all = [...commands, ...(await importLoadCommands())];
const known = Object.assign({}, ...all.map(({ settings }) => settings));
for (const command of all) {
  command.addTo(parents.get(command.name.split(" ")[0] ?? "") ?? program, environment, known);
}
overrideExits(program);

let exitCode = 0;
for (const step of [() => program.parseAsync(), () => answers.flush(stopping.signal)]) {
  try {
    await step();
  } catch (error) {
    exitCode = report(error);
  }
}
// what a command left open by mistake must not keep it from ending
process.exit(exitCode);

/** Prints what went wrong, once, and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  if (stopping.signal.aborted && (error as Error)?.name === "AbortError") return 0;
  const code = codeOf(error);
  note(`encke: ${explain(error)}\n`);
  return code !== undefined && USAGE_CODES.has(code) ? 2 : 1;
}

/** Commander ends the process by itself unless told, command by command, to throw. */
function overrideExits(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExits(child);
}
