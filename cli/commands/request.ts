// encke request: publishes a message and prints the reply, for machines without the NATS CLI. The reply to
// event.<topic> says how many streams received it.

import { checkPayload, parsePublishSubject } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, textOf, withClient } from "../../broker/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { timeout } from "../settings.ts";

export const request: Command = defineCommand({
  name: "request",
  summary: "publish and print the reply: for event.42, how many streams received it",
  parameters: ["<subject>", "[payload]"],
  settings: { ...natsSettings, timeout },
  async run(context, values, [subject = "", payload = ""]) {
    parsePublishSubject(subject);
    const bytes = checkPayload(new TextEncoder().encode(payload));
    const answer = await withClient(chooseNatsToAsk(context, values), context.log, async (client) =>
      textOf(await client.request(subject, bytes, values.timeout)),
    );
    context.print(answer);
  },
});
