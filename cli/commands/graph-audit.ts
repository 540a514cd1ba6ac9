// encke graph audit: prints the changes of the graph over NATS, in the order in which they were made, one per
// line.

import { parseTopic, type Topic } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, withClient } from "../../broker/index.ts";
import { type AuditPage, auditPages } from "../../graph/index.ts";
import { type Command, defineCommand, json } from "../../lib/command.ts";
import { after, partition, timeout } from "../settings.ts";

export const graphAudit: Command = defineCommand({
  name: "graph audit",
  summary: "list changes in order: number, time, kind, subscriber, topic",
  details:
    "Only the newest changes are stored. Start with --after 0, and continue with --after and the last number seen.",
  parameters: ["[topic]"],
  settings: { partition, after, json, timeout, ...natsSettings },
  run: (context, values, [name]) =>
    withClient(chooseNatsToAsk(context, values), context.log, async (client) => {
      const topic = name === undefined ? undefined : parseTopic(name);
      const of = topic === undefined ? { partition: values.partition } : { topic };
      let isFirst = true;
      for await (const { changes, oldest } of auditPages(client, of, values.after, values.timeout)) {
        if (isFirst && oldest > values.after + 1)
          context.note(`changes before number ${oldest} are no longer stored`);
        isFirst = false;
        const lines = changes.map((change) =>
          values.json ? JSON.stringify({ topic, ...change }) : lineOf(change, topic),
        );
        if (lines.length > 0) context.print(lines.join("\n"));
        if (context.signal.aborted) break;
      }
    }),
});

function lineOf(change: AuditPage["changes"][number], topic: Topic | undefined): string {
  const { sequence, time, kind, subscriber } = change;
  return `${sequence} ${time} ${kind} ${subscriber} ${change.topic ?? topic}`;
}
