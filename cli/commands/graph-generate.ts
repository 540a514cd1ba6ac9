// encke graph generate: writes a Barabási–Albert friend graph as an edge list, one `A B` per line, compressed
// if the file's name ends in .gz.

import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";
import { countFriendships, type GraphShape, generateFriendships } from "../../graph/index.ts";
import { type Command, type Context, defineCommand } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { writing } from "../../lib/flag-files.ts";
import { LineWriter } from "../line-writer.ts";
import { edges, out, seed, users } from "../settings.ts";

export const graphGenerate: Command = defineCommand({
  name: "graph generate",
  summary: "generate a friend graph (Barabási–Albert), one `A B` per line, compressed if --out ends in .gz",
  settings: { users, edges, seed, out },
  run: (context, { out, users, edges, seed }) =>
    writing("--out", out, () => generate(context, { users, friends: edges, seed }, out)),
});

async function generate(context: Context, shape: GraphShape, out: string | undefined): Promise<void> {
  const progress = context.progress("generating", "friendships", countFriendships(shape));
  const { writer, written } = openWriter(context, out);
  let made = 0;
  try {
    for (const { id, friends } of generateFriendships(shape)) {
      for (const friend of friends) writer.writePair(friend, id);
      made += friends.length;
      if (!writer.full) continue;
      await writer.flush();
      progress.update(made);
      if (context.signal.aborted) {
        throw new CommandError("STOPPED", `stopped after ${made} friendships: the output is incomplete`);
      }
    }
    await writer.end();
    await written;
  } finally {
    progress.stop();
  }
}

/**
 * Opens the output. `written` settles with the file, which a compressor between the writer and the file
 * requires.
 */
function openWriter(
  { output }: Context,
  out: string | undefined,
): { writer: LineWriter; written?: Promise<void> } {
  if (out === undefined) return { writer: new LineWriter(output()) };
  const file = createWriteStream(out);
  if (!out.endsWith(".gz")) return { writer: new LineWriter(file) };
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  const writer = new LineWriter(gzip);
  const written = pipeline(gzip, file);
  written.catch(() => {}); // the writer's next flush throws the same error
  return { writer, written };
}
