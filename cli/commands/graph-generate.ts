// encke graph generate: a Barabási–Albert friend graph as an edge list, `A B` a line.

import { createWriteStream } from "node:fs";
import { countFriendships, generateFriendships } from "../../graph/index.ts";
import { createProgress } from "../../lib/progress.ts";
import { pick } from "../../lib/settings.ts";
import { type Command, defineCommand } from "../command.ts";
import { LineWriter } from "../line-writer.ts";
import { ownSettings } from "../settings.ts";

export const graphGenerate: Command = defineCommand({
  name: "graph generate",
  summary: "make a friend graph (Barabási–Albert), `A B` a line",
  settings: pick(ownSettings, "users", "edges", "seed", "out"),
  async run(context, { users, edges, seed, out }) {
    const shape = { users, edges, seed };
    const progress = createProgress("generating", "friendships", countFriendships(shape));
    const target = out === undefined ? process.stdout : createWriteStream(out);
    const writer = new LineWriter(target);
    let made = 0;
    try {
      for (const { id, friends } of generateFriendships(shape)) {
        for (const friend of friends) writer.writePair(friend, id);
        made += friends.length;
        if (!writer.full) continue;
        await writer.flush();
        progress.update(made);
        if (context.signal.aborted) return;
      }
      await writer.end();
    } finally {
      progress.stop();
    }
  },
});
