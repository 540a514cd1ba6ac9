// encke graph about: describes the folder of a graph that is not being served.

import { readGraphFacts } from "../../graph/index.ts";
import { type Command, defineCommand, json } from "../../lib/command.ts";
import { data } from "../settings.ts";

export const graphAbout: Command = defineCommand({
  name: "graph about",
  summary: "describe a graph that is not being served: its partitions and number of follows",
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
