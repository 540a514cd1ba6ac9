// encke request: publish and print the answer, for those without the NATS CLI. On event.<topic> the answer says how
// many saw it.

import { checkPayload, parsePublishSubject } from "../../broker/contract.ts";
import { pick } from "../../lib/settings.ts";
import { answerOf, withClient } from "../client.ts";
import { type Command, defineCommand } from "../command.ts";
import { natsSettings, ownSettings } from "../settings.ts";

export const request: Command = defineCommand({
  name: "request",
  summary: "publish and wait for the answer: event.42 answers who saw it",
  parameters: ["<subject>", "[payload]"],
  settings: { ...natsSettings, ...pick(ownSettings, "timeout") },
  async run(context, values, [subject = "", payload = ""]) {
    parsePublishSubject(subject);
    const bytes = checkPayload(new TextEncoder().encode(payload));
    const answer = await withClient(context, values, async (client) =>
      answerOf(await client.request(subject, bytes, values.timeout)),
    );
    context.print(answer);
  },
});
