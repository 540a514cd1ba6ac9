// encke graph subscribers | muted | blocked | subscriptions | mutual | count: questions to the graph service, over NATS.

import { type GraphVerb, graphSubject, parseTopic, parseUserId, type Topic } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { pick, type Settings } from "../../lib/settings.ts";
import { answerOf, withClient } from "../client.ts";
import { type Command, type Context, defineCommand } from "../command.ts";
import { type NatsValues, natsSettings, type OwnValues, ownSettings } from "../settings.ts";

type Values = NatsValues & Pick<OwnValues, "json" | "timeout">;
const settings: Settings<Values> = { ...pick(ownSettings, "json", "timeout"), ...natsSettings };

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
    withClient(context, values, async (client) => {
      const reply = answerOf(
        await client.request(graphSubject("count", parseTopic(topic)), "", values.timeout),
      );
      context.print(values.json ? reply : String((JSON.parse(reply) as { count: number }).count));
    }),
});

/** A list that comes in pages. */
interface List {
  /** Also the key of the list in the answer. */
  readonly verb: GraphVerb & ("subscribers" | "muted" | "blocked" | "subscriptions" | "mutual");
  readonly name: Topic;
  /** What else the question says. */
  readonly also?: object;
}

function topicList(verb: List["verb"], summary: string): Command {
  return defineCommand({
    name: `graph ${verb}`,
    summary,
    parameters: ["<topic>"],
    settings,
    run: (context, values, [topic = ""]) =>
      printPages(context, values, { verb, name: parseTopic(topic), head: { topic } }),
  });
}

/** All pages of a list, one after the other. */
export async function* pages(
  client: BrokerClient,
  { verb, name, also }: List,
  timeoutMs: number,
): AsyncGenerator<readonly string[]> {
  let after: string | undefined;
  do {
    const question = JSON.stringify({ ...also, after });
    const reply = answerOf(await client.request(graphSubject(verb, name), question, timeoutMs));
    const page = JSON.parse(reply) as Partial<Record<List["verb"], string[]>> & { next?: string };
    yield page[verb] ?? [];
    after = page.next;
  } while (after !== undefined);
}

/** One id a line as they come, or one JSON object with all of them. */
function printPages(
  context: Context,
  values: Values,
  { head, ...list }: List & { readonly head: object },
): Promise<void> {
  return withClient(context, values, async (client) => {
    const all: string[] = [];
    for await (const names of pages(client, list, values.timeout)) {
      if (values.json) all.push(...names);
      else if (names.length > 0) context.print(names.join("\n"));
    }
    if (values.json) context.print(JSON.stringify({ ...head, [list.verb]: all }));
  });
}
