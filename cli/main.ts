#!/usr/bin/env node
// The `encke` command. The only place that reads argv, prints errors and chooses the exit code: 0 done, 1 failed,
// 2 wrong usage.

import { Command, CommanderError } from "commander";
import { codeOf } from "../lib/errors.ts";
import { standardError, standardOutput } from "../lib/output.ts";
import { Answers } from "./answers.ts";
import type { Context } from "./command.ts";
import { commands, groups } from "./commands/index.ts";
import { explain } from "./explain.ts";
import { guardStandardError, LAST_WORDS_MS } from "./guard.ts";
import { endsAtHangup } from "./hangup.ts";

/** Mistakes in what was typed, found after the command line itself was understood. */
const USAGE_CODES = new Set([
  "BAD_SETTINGS",
  "BAD_TOPIC",
  "BAD_USER",
  "BAD_SUBJECT",
  "BAD_NATS_URL",
  "BAD_CONFIG",
  "USAGE",
]);

guardStandardError();
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
const environment: Omit<Context, "log"> = {
  env: process.env,
  signal: stopping.signal,
  print: answers.print,
  output: () => answers.stream,
  announce: (line) => standardOutput.writePatiently(`${line}\n`, LAST_WORDS_MS),
  note: (line) => note(`${line}\n`),
};

const program = new Command("encke")
  .description("Friends' activity, live, over plain HTTP, to a million open browsers")
  .showHelpAfterError("(`encke --help` and `encke COMMAND --help` tell more)")
  .configureOutput({ writeOut: (text) => void answers.stream.write(text), writeErr: note });
const parents = new Map(
  groups.map(({ name, summary }) => [name, program.command(name).description(summary)]),
);
for (const command of commands) {
  command.addTo(parents.get(command.name.split(" ")[0] ?? "") ?? program, environment);
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
