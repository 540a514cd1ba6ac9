// encke graph subscribers | muted | blocked | subscriptions | mutual | count: questions to the graph service, over NATS.

import { graphSubject, parseTopic, parseUserId } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, textOf, withClient } from "../../broker/index.ts";
import { type ListQuery, type ListVerb, listPages } from "../../graph/index.ts";
import { type Command, type Context, defineCommand, json } from "../../lib/command.ts";
import type { ValuesOf } from "../../lib/settings.ts";
import { timeout } from "../settings.ts";

const settings = { json, timeout, ...natsSettings };
type Values = ValuesOf<typeof settings>;

export const graphSubscribers: Command = topicList("subscribers", "who follows a topic, one id a line");
export const graphMuted: Command = topicList(
  "muted",
  "who follows a topic and is sent nothing, one id a line",
);
export const graphBlocked: Command = topicList("blocked", "who cannot follow a topic, one id a line");

export const graphSubscriptions: Command = defineCommand({
  name: "graph subscriptions",
  summary: "whom a user follows, one id a line",
  parameters: ["<user>"],
  settings,
  run: (context, values, [user = ""]) =>
    printPages(context, values, { verb: "subscriptions", name: parseUserId(user), head: { user } }),
});

export const graphMutual: Command = defineCommand({
  name: "graph mutual",
  summary: "whom two users both follow, one id a line",
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
  summary: "how many follow a topic",
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

/** One id a line as they come, or one JSON object with all of them. */
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
