// encke graph subscribers | subscriptions | count: questions to the graph service, over NATS.

import { type GraphVerb, graphSubject, parseTopic, parseUserId, type Topic } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { pick } from "../../lib/settings.ts";
import { answerOf, withClient } from "../client.ts";
import { type Command, type Context, defineCommand } from "../command.ts";
import { natsSettings, ownSettings } from "../settings.ts";

const settings = { ...pick(ownSettings, "json", "timeout"), ...natsSettings };

export const graphSubscribers: Command = defineCommand({
  name: "graph subscribers",
  summary: "who follows a topic, one id a line",
  parameters: ["<topic>"],
  settings,
  run: (context, values, [topic = ""]) =>
    withClient(context, values, (client) =>
      printPages(context, client, "subscribers", parseTopic(topic), values.timeout, values.json && { topic }),
    ),
});

export const graphSubscriptions: Command = defineCommand({
  name: "graph subscriptions",
  summary: "whom a user follows, one id a line",
  parameters: ["<user>"],
  settings,
  run: (context, values, [user = ""]) =>
    withClient(context, values, (client) =>
      printPages(
        context,
        client,
        "subscriptions",
        parseUserId(user),
        values.timeout,
        values.json && { user },
      ),
    ),
});

export const graphCount: Command = defineCommand({
  name: "graph count",
  summary: "how many follow a topic",
  parameters: ["<topic>"],
  settings,
  run: (context, values, [topic = ""]) =>
    withClient(context, values, async (client) => {
      const reply = answerOf(
        await client.request(graphSubject("count", parseTopic(topic)), "", values.timeout),
      );
      context.print(values.json ? reply : String((JSON.parse(reply) as { count: number }).count));
    }),
});

/** All pages of a list: one id a line as they come, or one JSON object with all of them. */
export async function* pages(
  client: BrokerClient,
  verb: GraphVerb & ("subscribers" | "subscriptions"),
  name: Topic,
  timeoutMs: number,
): AsyncGenerator<readonly string[]> {
  let after: string | undefined;
  do {
    const reply = answerOf(
      await client.request(graphSubject(verb, name), JSON.stringify({ after }), timeoutMs),
    );
    const page = JSON.parse(reply) as { subscribers?: string[]; subscriptions?: string[]; next?: string };
    yield page[verb] ?? [];
    after = page.next;
  } while (after !== undefined);
}

async function printPages(
  context: Context,
  client: BrokerClient,
  verb: "subscribers" | "subscriptions",
  name: Topic,
  timeoutMs: number,
  json: false | object,
): Promise<void> {
  const all: string[] = [];
  for await (const names of pages(client, verb, name, timeoutMs)) {
    if (json !== false) all.push(...names);
    else if (names.length > 0) context.print(names.join("\n"));
  }
  if (json !== false) context.print(JSON.stringify({ ...json, [verb]: all }));
}
