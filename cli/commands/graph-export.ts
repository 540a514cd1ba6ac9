// encke graph export: a graph that nobody serves as text, `subscriber topic` a line.

import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { exportLines } from "../../graph/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { writing } from "../../lib/flag-files.ts";
import { data, only, out } from "../settings.ts";

export const graphExport: Command = defineCommand({
  name: "graph export",
  summary: "write a graph that nobody serves, `subscriber topic` a line",
  details:
    "`graph load --as subscriptions` makes the same graph of it. The muted are in it as followers; who is muted or blocked\n" +
    "is written with --only muted and --only blocked, and taken by `graph mute --file` and `graph block --file`.",
  settings: { data, out, only },
  async run(context, { data, out, only }) {
    const parts = exportLines(data, only);
    const first = await parts.next(); // a graph that cannot be read leaves the file alone
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
