// encke graph export: writes a graph that is not being served as text, one `subscriber topic` per line.

import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { exportLines } from "../../graph/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { writing } from "../../lib/flag-files.ts";
import { data, only, out } from "../settings.ts";

export const graphExport: Command = defineCommand({
  name: "graph export",
  summary: "write a graph that is not being served, one `subscriber topic` per line",
  details:
    "`graph load --as subscriptions` creates the same graph from it. Subscribers who muted a topic are included as\n" +
    "subscribers. --only muted and --only blocked write those relations, for `graph mute --file` and `graph block --file`.",
  settings: { data, out, only },
  async run(context, { data, out, only }) {
    const parts = exportLines(data, only);
    const first = await parts.next(); // before the file is opened: an unreadable graph must not truncate it
    const lines = Readable.from(all(first.value ?? "", parts), { highWaterMark: 1 });
    const { signal } = context;
    if (out === undefined) await pipeline(lines, context.output(), { end: false, signal });
    else await writing("--out", out, () => pipeline(lines, createWriteStream(out), { signal }));
  },
});

async function* all(first: string, rest: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  yield first;
  yield* rest;
}
