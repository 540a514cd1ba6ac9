// encke graph add | remove | block | unblock | mute | unmute: makes one or many changes while the graph
// service runs. When the command succeeds, they are on disk.

import { parseTopic, parseUserId, type Topic, type UserId } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, withClient } from "../../broker/index.ts";
import { applyChanges, type ChangeVerb } from "../../graph/index.ts";
import { type Command, defineCommand, json, type Progress } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { quote } from "../../lib/errors.ts";
import { readTextFile } from "../../lib/flag-files.ts";
import { file, timeout } from "../settings.ts";

/** How many refused ids a message names. */
const NAMED_REFUSALS = 5;

export const graphAdd: Command = changeCommand("add", "subscribe", "subscribe a user to a topic", "added");
export const graphRemove: Command = changeCommand("remove", "unsubscribe", "end that", "removed");
export const graphBlock: Command = changeCommand(
  "block",
  "block",
  "unsubscribe a user from a topic, and refuse them as a subscriber",
  "blocked",
);
export const graphUnblock: Command = changeCommand(
  "unblock",
  "unblock",
  "allow a blocked user to follow a topic again",
  "unblocked",
);
export const graphMute: Command = changeCommand(
  "mute",
  "mute",
  "stop delivering a topic to a subscriber, who remains one",
  "muted",
);
export const graphUnmute: Command = changeCommand(
  "unmute",
  "unmute",
  "deliver a muted topic to a subscriber again",
  "unmuted",
);

function changeCommand(name: string, verb: ChangeVerb, summary: string, done: string): Command {
  return defineCommand({
    name: `graph ${name}`,
    summary,
    parameters: ["[subscriber]", "[topic]"],
    settings: { file, json, timeout, ...natsSettings },
    async run(context, values, [subscriber, topic]) {
      const changes = values.file === undefined ? one(subscriber, topic) : readChanges(values.file);
      let bar: Progress | undefined;
      const onSent = (sent: number, of: number): void => {
        bar ??= context.progress(verb, "requests", of);
        bar.update(sent);
      };
      const { refused, ...tally } = await withClient(
        chooseNatsToAsk(context, values),
        context.log,
        (client) => applyChanges(client, verb, changes, { timeoutMs: values.timeout, onSent }),
      ).finally(() => bar?.stop());
      if (values.json) context.print(JSON.stringify(tally));
      else context.print(`${tally.changed} ${done}, ${tally.unchanged} unchanged`);
      if (refused.length === 0) return;
      const named =
        refused.slice(0, NAMED_REFUSALS).join(", ") + (refused.length > NAMED_REFUSALS ? ", …" : "");
      throw new CommandError(
        "REPLIED_ERROR",
        `${refused.length} are blocked and were not added (${named}): \`encke graph unblock\` first`,
      );
    },
  });
}

function one(subscriber: string | undefined, topic: string | undefined): Map<Topic, UserId[]> {
  if (subscriber === undefined || topic === undefined) {
    throw new CommandError(
      "USAGE",
      "no change given: use SUBSCRIBER TOPIC, or --file FILE with one such pair per line",
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
      throw new CommandError(
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
