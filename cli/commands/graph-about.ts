// encke graph about: what a graph's folder holds, while nobody serves it.

import { readGraphFacts } from "../../graph/index.ts";
import { type Command, defineCommand, json } from "../../lib/command.ts";
import { data } from "../settings.ts";

export const graphAbout: Command = defineCommand({
  name: "graph about",
  summary: "what the folder of a graph that nobody serves holds: its partitions, how many relations",
  settings: { data, json },
  async run(context, { data, json }) {
    const facts = await readGraphFacts(data);
    if (json) return context.print(JSON.stringify(facts));
    const { partitions, follows, sequence, loading } = facts;
    context.print(
      `partitions ${partitions}, ${follows} follows, up to change ${sequence}` +
        (loading === undefined ? "" : `; loading ${loading} did not finish`),
    );
  },
});
