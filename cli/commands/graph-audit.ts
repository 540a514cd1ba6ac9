// encke graph audit: the changes of the graph in the order in which they were made, over NATS, one a line.

import { graphSubject, parseTopic, partitionSubject, type Topic } from "../../broker/contract.ts";
import { pick } from "../../lib/settings.ts";
import { answerOf, withClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import { natsSettings, ownSettings } from "../settings.ts";

interface Page {
  readonly changes: readonly {
    readonly sequence: number;
    readonly time: string;
    readonly kind: string;
    readonly subscriber: string;
    readonly topic?: string;
  }[];
  readonly oldest: number;
  readonly next?: number;
}

export const graphAudit: Command = defineCommand({
  name: "graph audit",
  summary: "every change in order: number, time, kind, subscriber, topic",
  details:
    "Only the newest changes are kept. Begin with --after 0, go on with --after and the last number seen.",
  parameters: ["[topic]"],
  settings: { ...pick(ownSettings, "partition", "after", "json", "timeout"), ...natsSettings },
  run: (context, values, [name]) =>
    withClient(context, values, async (client) => {
      const topic = name === undefined ? undefined : parseTopic(name);
      const subject =
        topic === undefined ? partitionSubject(values.partition, "audit") : graphSubject("audit", topic);
      let after: number | undefined = values.after;
      let isFirst = true;
      while (after !== undefined && !context.signal.aborted) {
        const reply = answerOf(await client.request(subject, JSON.stringify({ after }), values.timeout));
        const page = JSON.parse(reply) as Page;
        if (isFirst && page.oldest > after + 1) {
          context.note(`changes before number ${page.oldest} are no longer kept`);
        }
        isFirst = false;
        const lines = page.changes.map((change) =>
          values.json ? JSON.stringify({ topic, ...change }) : lineOf(change, topic),
        );
        if (lines.length > 0) context.print(lines.join("\n"));
        after = page.next;
      }
    }),
});

function lineOf(change: Page["changes"][number], topic: Topic | undefined): string {
  const { sequence, time, kind, subscriber } = change;
  return `${sequence} ${time} ${kind} ${subscriber} ${change.topic ?? topic}`;
}
