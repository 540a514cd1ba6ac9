// encke pub: publishes a message as `nats pub` does, for machines without the NATS CLI.

import { checkPayload, parsePublishSubject } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, publishOnce, withClient } from "../../broker/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";

export const pub: Command = defineCommand({
  name: "pub",
  summary: "publish a message: event.42 to all subscribers of 42, user.7 only to user 7",
  parameters: ["<subject>", "<payload>"],
  settings: natsSettings,
  async run(context, values, [subject = "", payload = ""]) {
    parsePublishSubject(subject);
    const bytes = checkPayload(new TextEncoder().encode(payload));
    await withClient(chooseNatsToAsk(context, values), context.log, (client) =>
      publishOnce(client, subject, bytes),
    );
    context.print(`published ${bytes.length} bytes to ${subject}`);
  },
});
