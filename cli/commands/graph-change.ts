// encke graph add | remove | block | unblock | mute | unmute: changes, one or many, while the graph service runs. When
// the command ends well, they are on disk.

import {
  type GraphVerb,
  graphSubject,
  parseTopic,
  parseUserId,
  type Topic,
  type UserId,
} from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { quote } from "../../lib/errors.ts";
import { countFitting } from "../../lib/fitting.ts";
import { pick } from "../../lib/settings.ts";
import { answerOf, withClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { createProgress } from "../progress.ts";
import { readTextFile } from "../read-file.ts";
import { natsSettings, ownSettings } from "../settings.ts";

/** Ids in one request; fewer where the server's max_payload is small. */
const IDS_A_REQUEST = 1_000;
/** Of a request beside its ids, and of a reply that names them all. */
const HEAD_BYTES = 2_048;
/** Quotes and a comma around an id in JSON. */
const AROUND_BYTES = 3;
/** Requests under way at once; the graph writes them to disk together. */
const REQUESTS_AT_ONCE = 16;

/** Ids of the refused that a message names. */
const NAMED_REFUSALS = 5;

type ChangeVerb = GraphVerb & ("subscribe" | "unsubscribe" | "block" | "unblock" | "mute" | "unmute");

interface Tally {
  changed: number;
  unchanged: number;
}

/** `subscriber topic` of those who may not follow. */
type Refused = string[];

export const graphAdd: Command = changeCommand(
  "add",
  "subscribe",
  "let a subscriber follow a topic",
  "added",
);
export const graphRemove: Command = changeCommand("remove", "unsubscribe", "end that", "removed");
export const graphBlock: Command = changeCommand(
  "block",
  "block",
  "let a subscriber no longer follow a topic, nor begin to",
  "blocked",
);
export const graphUnblock: Command = changeCommand(
  "unblock",
  "unblock",
  "let them follow it again, if they will",
  "unblocked",
);
export const graphMute: Command = changeCommand(
  "mute",
  "mute",
  "send a follower nothing of a topic; they go on following",
  "muted",
);
export const graphUnmute: Command = changeCommand("unmute", "unmute", "send it to them again", "unmuted");

function changeCommand(name: string, verb: ChangeVerb, summary: string, done: string): Command {
  return defineCommand({
    name: `graph ${name}`,
    summary,
    parameters: ["[subscriber]", "[topic]"],
    settings: { ...pick(ownSettings, "file", "json", "timeout"), ...natsSettings },
    async run(context, values, [subscriber, topic]) {
      const changes = values.file === undefined ? one(subscriber, topic) : readChanges(values.file);
      const { tally, refused } = await withClient(context, values, (client) =>
        sendAll(client, verb, changes, values.timeout),
      );
      if (values.json) context.print(JSON.stringify(tally));
      else context.print(`${tally.changed} ${done}, ${tally.unchanged} were so already`);
      if (refused.length === 0) return;
      const named =
        refused.slice(0, NAMED_REFUSALS).join(", ") + (refused.length > NAMED_REFUSALS ? ", …" : "");
      throw new CliError(
        "REPLIED_ERROR",
        `${refused.length} are blocked and were not added (${named}): \`encke graph unblock\` first`,
      );
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

function requestsFor(
  changes: Map<Topic, UserId[]>,
  maxPayload: number,
): { readonly topic: Topic; readonly subscribers: readonly UserId[] }[] {
  const room = { bytes: maxPayload - HEAD_BYTES, items: IDS_A_REQUEST };
  const requests = [];
  for (const [topic, subscribers] of changes) {
    for (let from = 0; from < subscribers.length; ) {
      const to = from + countFitting(subscribers, (id) => id.length + AROUND_BYTES, room, from);
      requests.push({ topic, subscribers: subscribers.slice(from, to) });
      from = to;
    }
  }
  return requests;
}

async function sendAll(
  client: BrokerClient,
  verb: ChangeVerb,
  changes: Map<Topic, UserId[]>,
  timeoutMs: number,
): Promise<{ readonly tally: Tally; readonly refused: Refused }> {
  const requests = requestsFor(changes, client.maxPayload);
  const tally: Tally = { changed: 0, unchanged: 0 };
  const refused: Refused = [];
  const progress = createProgress(verb, "requests", requests.length);
  let sent = 0;
  const worker = async (): Promise<void> => {
    for (let next = requests[sent]; next !== undefined; next = requests[sent]) {
      sent += 1;
      const payload = JSON.stringify({ subscribers: next.subscribers });
      const reply = JSON.parse(
        answerOf(await client.request(graphSubject(verb, next.topic), payload, timeoutMs)),
      ) as Tally & { blocked?: string[] };
      tally.changed += reply.changed;
      tally.unchanged += reply.unchanged;
      for (const subscriber of reply.blocked ?? []) refused.push(`${subscriber} ${next.topic}`);
      progress.update(sent);
    }
  };
  try {
    await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
  } finally {
    progress.stop();
  }
  return { tally, refused };
}
