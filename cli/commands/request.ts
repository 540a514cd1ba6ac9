// encke request: publish and print the answer, for those without the NATS CLI. On event.<topic> the answer says how
// many saw it.

import { checkPayload, parsePublishSubject } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, textOf, withClient } from "../../broker/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { timeout } from "../settings.ts";

export const request: Command = defineCommand({
  name: "request",
  summary: "publish and wait for the answer: event.42 answers who saw it",
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
