// encke graph load: adds an edge list to a graph that is not being served.

import { loadFollows } from "../../graph/index.ts";
import { type Command, defineCommand, json } from "../../lib/command.ts";
import { withProgress } from "../progress.ts";
import { as, blocked, data, muted, partitions, strict } from "../settings.ts";

export const graphLoad: Command = defineCommand({
  name: "graph load",
  summary: "add an edge list to a graph (`-` reads standard input, .gz works)",
  parameters: ["<file>"],
  settings: { data, partitions, as, muted, blocked, strict, json },
  async run(context, { data: directory, partitions, as: kind, muted, blocked, strict, json }, [file = ""]) {
    const source = file === "-" ? { stream: process.stdin, name: "standard input" } : { path: file };
    const report = await withProgress(context, { reading: "bytes", writing: "rows' entries" }, (onProgress) =>
      loadFollows(source, {
        directory,
        kind,
        partitions,
        ...(muted === undefined ? {} : { muted: { path: muted } }),
        ...(blocked === undefined ? {} : { blocked: { path: blocked } }),
        strict,
        signal: context.signal,
        onProgress,
      }),
    );
    for (const line of report.shown) context.note(line);
    if (json) return context.print(JSON.stringify(report));
    context.print(
      `${report.added} follow relations added, ${report.follows} in the graph; ` +
        `${report.badLines} bad lines, ${report.selfFollows} self follows and ${report.duplicates} duplicates skipped` +
        (partitions.of === 1 ? "" : `, ${report.elsewhere} in other partitions`),
    );
  },
});
