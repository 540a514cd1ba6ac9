// encke graph add | remove: follow and unfollow, one or many, while the graph service runs. When the command ends
// well, the changes are on disk.

import { graphSubject, parseTopic, parseUserId, type Topic, type UserId } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { quote } from "../../lib/errors.ts";
import { createProgress } from "../../lib/progress.ts";
import { pick } from "../../lib/settings.ts";
import { answerOf, withClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { readTextFile } from "../read-file.ts";
import { natsSettings, ownSettings } from "../settings.ts";

/** Ids in one request: at most 65 bytes each, they stay far under what the server takes. */
const IDS_A_REQUEST = 1_000;
/** Requests under way at once; the graph writes them to disk together. */
const REQUESTS_AT_ONCE = 16;

type Verb = "subscribe" | "unsubscribe";
interface Tally {
  changed: number;
  unchanged: number;
}

export const graphAdd: Command = changeCommand(
  "graph add",
  "subscribe",
  "let a subscriber follow a topic",
  "added",
);
export const graphRemove: Command = changeCommand("graph remove", "unsubscribe", "end that", "removed");

function changeCommand(name: string, verb: Verb, summary: string, done: string): Command {
  return defineCommand({
    name,
    summary,
    parameters: ["[subscriber]", "[topic]"],
    settings: { ...pick(ownSettings, "file", "json", "timeout"), ...natsSettings },
    async run(context, values, [subscriber, topic]) {
      const changes = values.file === undefined ? one(subscriber, topic) : readChanges(values.file);
      const tally = await withClient(context, values, (client) =>
        sendAll(client, verb, changes, values.timeout),
      );
      if (values.json) context.print(JSON.stringify(tally));
      else context.print(`${tally.changed} ${done}, ${tally.unchanged} were so already`);
    },
  });
}

function one(subscriber: string | undefined, topic: string | undefined): Map<Topic, UserId[]> {
  if (subscriber === undefined || topic === undefined) {
    throw new CliError(
      "USAGE",
      "who and what? say SUBSCRIBER TOPIC, or --file FILE with one such pair a line",
    );
  }
  return new Map([[parseTopic(topic), [parseUserId(subscriber)]]]);
}

function readChanges(file: string): Map<Topic, UserId[]> {
  const changes = new Map<Topic, UserId[]>();
  for (const [index, line] of readTextFile("--file", file)
    .split(/\r\n|\r|\n/)
    .entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#")) continue;
    const [subscriber, topic] = words;
    if (subscriber === undefined || topic === undefined || words.length > 2) {
      throw new CliError(
        "USAGE",
        `${file}:${index + 1}: ${quote(line)} is not SUBSCRIBER TOPIC; nothing was changed`,
      );
    }
    const parsed = parseTopic(topic);
    const subscribers = changes.get(parsed) ?? [];
    subscribers.push(parseUserId(subscriber));
    changes.set(parsed, subscribers);
  }
  return changes;
}

async function sendAll(
  client: BrokerClient,
  verb: Verb,
  changes: Map<Topic, UserId[]>,
  timeoutMs: number,
): Promise<Tally> {
  const requests = [...changes].flatMap(([topic, subscribers]) =>
    Array.from({ length: Math.ceil(subscribers.length / IDS_A_REQUEST) }, (_, part) => ({
      topic,
      subscribers: subscribers.slice(part * IDS_A_REQUEST, (part + 1) * IDS_A_REQUEST),
    })),
  );
  const tally: Tally = { changed: 0, unchanged: 0 };
  const progress = createProgress(verb, "requests", requests.length);
  let sent = 0;
  const worker = async (): Promise<void> => {
    for (let next = requests[sent]; next !== undefined; next = requests[sent]) {
      sent += 1;
      const payload = JSON.stringify({ subscribers: next.subscribers });
      const reply = JSON.parse(
        answerOf(await client.request(graphSubject(verb, next.topic), payload, timeoutMs)),
      ) as Tally;
      tally.changed += reply.changed;
      tally.unchanged += reply.unchanged;
      progress.update(sent);
    }
  };
  try {
    await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
  } finally {
    progress.stop();
  }
  return tally;
}
