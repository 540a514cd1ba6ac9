#!/usr/bin/env node

// The `encke` command. Only this file reads the arguments, prints errors and chooses the exit code: 0 for
// success, 1 for failure, 2 for wrong usage.

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

/** Errors in what the user typed that are found after the command line was parsed. */
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
/** Aborts the command; a second Ctrl-C ends the process at once. */
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
  .showHelpAfterError("(see `encke --help` and `encke COMMAND --help`)")
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
// a handle that a command left open by mistake must not keep the process alive
process.exit(exitCode);

/** Prints an error once, and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  if (stopping.signal.aborted && (error as Error)?.name === "AbortError") return 0;
  const code = codeOf(error);
  note(`encke: ${explain(error)}\n`);
  return code !== undefined && USAGE_CODES.has(code) ? 2 : 1;
}

/** Makes commander throw instead of ending the process, which must be set per command. */
function overrideExits(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExits(child);
}
