// The commands of docs/deploy.md: each `sh` block names the script in infra/guide that holds the same
// commands. The end-to-end test runs the scripts in the order of the text, so that a command that does not
// work is noticed. Pure.

import { InfraError } from "../errors.ts";

export interface GuideCommand {
  /** Name of its script. */
  readonly id: string;
  /** Number of its heading in the text. */
  readonly section: number;
  /** Line of the block's first command in the text, from 1. */
  readonly line: number;
  readonly text: string;
}

const HEADING = /^#+ /;
const OPENS = /^```sh *(\S*)$/;
const CLOSES = /^```$/;

/** Returns the commands of a text in Markdown, in order. The id of an unnamed block is "". */
export function commandsOf(markdown: string): GuideCommand[] {
  const commands: GuideCommand[] = [];
  let section = 0;
  let block: { id: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (block === undefined) {
      if (HEADING.test(line)) section += 1;
      const id = OPENS.exec(line)?.[1];
      if (id !== undefined) block = { id, line: index + 2, lines: [] };
    } else if (CLOSES.test(line)) {
      commands.push({ id: block.id, section, line: block.line, text: block.lines.join("\n") });
      block = undefined;
    } else block.lines.push(line);
  }
  return commands;
}

/** Returns the commands of a script, without the comment at its top. */
export function commandsIn(script: string): string {
  return script.replace(/^(#.*\n)*/, "").trimEnd();
}

/** @throws InfraError LAB_FAILED if the text has no such command */
export function locate(commands: readonly GuideCommand[], id: string): GuideCommand {
  const found = commands.find((command) => command.id === id);
  if (found !== undefined) return found;
  throw new InfraError(
    "LAB_FAILED",
    `docs/deploy.md has no command ${id}: write it there as a block \`sh ${id}\`, with the commands of infra/guide/${id}.sh`,
  );
}
