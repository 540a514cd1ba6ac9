// The commands of docs/deploy.md, as a reader finds them: what stands in its `sh` blocks, under which title. Pure; the
// end-to-end test runs what this finds, so that a text that does not work does not stay.

import { InfraError } from "../errors.ts";

/** One command of the text: a line, or several where one ends with a backslash, a pipe or `&&`. */
export interface GuideCommand {
  /** The heading above it, or the bold words that begin a paragraph after that, without their full stop. */
  readonly title: string;
  /** Of its first line in the text, from 1. */
  readonly line: number;
  readonly text: string;
}

/** A command by its title and a part of its text. */
export type Place = readonly [title: string, part: string];

const HEADING = /^#+ +(.+?) *$/;
const RUN_IN = /^\*\*(.+?)[.:]?\*\*/;
const OPENS = /^```sh$/;
const CLOSES = /^```$/;
/** The command goes on in the next line. */
const CONTINUES = /(\\|\||&&)$/;

/** Every command of a text in Markdown, in its order. Cost: one pass. */
export function commandsOf(markdown: string): GuideCommand[] {
  const commands: GuideCommand[] = [];
  let title = "";
  let inside = false;
  let begun: { line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (!inside) {
      title = (HEADING.exec(line) ?? RUN_IN.exec(line))?.[1] ?? title;
      inside = OPENS.test(line);
      continue;
    }
    if (CLOSES.test(line)) {
      inside = false;
      continue;
    }
    if (line.trim() === "") continue;
    begun ??= { line: index + 1, lines: [] };
    begun.lines.push(line);
    if (CONTINUES.test(line)) continue;
    commands.push({ title, line: begun.line, text: begun.lines.join("\n") });
    begun = undefined;
  }
  return commands;
}

/** The first command at a place. @throws InfraError LAB_FAILED where the text has none (any more) */
export function locate(commands: readonly GuideCommand[], [title, part]: Place): GuideCommand {
  const found = commands.find((command) => command.title === title && command.text.includes(part));
  if (found !== undefined) return found;
  throw new InfraError(
    "LAB_FAILED",
    `docs/deploy.md has no command with ${JSON.stringify(part)} under ${JSON.stringify(title)}: write it there, or change what follows it in infra/lab/differences.ts`,
  );
}
