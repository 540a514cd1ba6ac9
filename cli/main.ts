#!/usr/bin/env node
// The `encke` command. The only place that reads argv, prints errors and chooses the exit code: 0 done, 1 failed,
// 2 wrong usage.

import { Command, CommanderError } from "commander";
import { codeOf, EnckeError, messageOf } from "../lib/errors.ts";
import type { Context } from "./command.ts";
import { commands, groups } from "./commands/index.ts";

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

const stopping = new AbortController();
/** A second Ctrl-C means now. */
function onSignal(): void {
  if (stopping.signal.aborted) process.exit(1);
  stopping.abort();
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
// who reads our output may stop early (`encke … | head`): that is no failure
process.stdout.on("error", (error) => {
  process.exit(codeOf(error) === "EPIPE" ? 0 : 1);
});

const environment: Omit<Context, "log"> = {
  env: process.env,
  signal: stopping.signal,
  print: (line) => void process.stdout.write(`${line}\n`),
};

const program = new Command("encke")
  .description("Friends' activity, live, over plain HTTP, to a million open browsers")
  .showHelpAfterError("(`encke --help` and `encke COMMAND --help` tell more)");
const parents = new Map(
  groups.map(({ name, summary }) => [name, program.command(name).description(summary)]),
);
for (const command of commands) {
  command.addTo(parents.get(command.name.split(" ")[0] ?? "") ?? program, environment);
}
overrideExits(program);

try {
  await program.parseAsync();
  process.exitCode ??= 0;
} catch (error) {
  process.exitCode = report(error);
}
// what a command left open by mistake must not keep it from ending
process.exit();

/** Prints what went wrong, once, and answers the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  if (stopping.signal.aborted && (error as Error)?.name === "AbortError") return 0;
  const code = codeOf(error);
  if (error instanceof EnckeError) process.stderr.write(`encke: ${error.message}\n`);
  else process.stderr.write(`encke: ${messageOf(error)}\n${error instanceof Error ? error.stack : ""}\n`);
  return code !== undefined && USAGE_CODES.has(code) ? 2 : 1;
}

/** Commander ends the process by itself unless told, command by command, to throw. */
function overrideExits(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) overrideExits(child);
}
