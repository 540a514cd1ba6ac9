// encke graph subscribers | muted | blocked | subscriptions | mutual | count: queries the graph service over
// NATS.

import { graphSubject, parseTopic, parseUserId } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, textOf, withClient } from "../../broker/index.ts";
import { type ListQuery, type ListVerb, listPages } from "../../graph/index.ts";
import { type Command, type Context, defineCommand, json } from "../../lib/command.ts";
import type { ValuesOf } from "../../lib/settings.ts";
import { timeout } from "../settings.ts";

const settings = { json, timeout, ...natsSettings };
type Values = ValuesOf<typeof settings>;

export const graphSubscribers: Command = topicList(
  "subscribers",
  "list the subscribers of a topic, one id per line",
);
export const graphMuted: Command = topicList(
  "muted",
  "list the subscribers who muted a topic, one id per line",
);
export const graphBlocked: Command = topicList(
  "blocked",
  "list the users who are blocked from a topic, one id per line",
);

export const graphSubscriptions: Command = defineCommand({
  name: "graph subscriptions",
  summary: "list the topics that a user follows, one id per line",
  parameters: ["<user>"],
  settings,
  run: (context, values, [user = ""]) =>
    printPages(context, values, { verb: "subscriptions", name: parseUserId(user), head: { user } }),
});

export const graphMutual: Command = defineCommand({
  name: "graph mutual",
  summary: "list the topics that two users both follow, one id per line",
  parameters: ["<user>", "<other>"],
  settings,
  run(context, values, [user = "", other = ""]) {
    const also = { with: parseUserId(other) };
    return printPages(context, values, {
      verb: "mutual",
      name: parseUserId(user),
      head: { user, ...also },
      also,
    });
  },
});

export const graphCount: Command = defineCommand({
  name: "graph count",
  summary: "count the subscribers of a topic",
  parameters: ["<topic>"],
  settings,
  run: (context, values, [topic = ""]) =>
    withClient(chooseNatsToAsk(context, values), context.log, async (client) => {
      const subject = graphSubject("count", parseTopic(topic));
      const reply = textOf(await client.request(subject, "", values.timeout));
      context.print(values.json ? reply : String((JSON.parse(reply) as { count: number }).count));
    }),
});

function topicList(verb: ListVerb, summary: string): Command {
  return defineCommand({
    name: `graph ${verb}`,
    summary,
    parameters: ["<topic>"],
    settings,
    run: (context, values, [topic = ""]) =>
      printPages(context, values, { verb, name: parseTopic(topic), head: { topic } }),
  });
}

/** Prints ids one per line as they arrive, or one JSON object with all of them. */
function printPages(
  context: Context,
  values: Values,
  { head, ...query }: ListQuery & { readonly head: object },
): Promise<void> {
  return withClient(chooseNatsToAsk(context, values), context.log, async (client) => {
    const all: string[] = [];
    for await (const names of listPages(client, query, values.timeout)) {
      if (values.json) all.push(...names);
      else if (names.length > 0) context.print(names.join("\n"));
    }
    if (values.json) context.print(JSON.stringify({ ...head, [query.verb]: all }));
  });
}
