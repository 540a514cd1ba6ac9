// encke broker: the broker alone, a nats-server where there is one, else the embedded broker.

import { EmbeddedBroker, openBroker } from "../../broker/index.ts";
import { pick } from "../../lib/settings.ts";
import { untilStopped } from "../../lib/signal.ts";
import { type Command, defineCommand } from "../command.ts";
import { embeddedCommand } from "../own-command.ts";
import { ownSettings } from "../settings.ts";

export const DEFAULT_PORT = 4_222;

export const broker: Command = defineCommand({
  name: "broker",
  summary: "the broker alone, on loopback",
  settings: pick(ownSettings, "port", "embedded"),
  async run(context, { port = DEFAULT_PORT, embedded }) {
    if (embedded) {
      const server = new EmbeddedBroker({ port });
      context.print(`embedded broker at nats://127.0.0.1:${await server.start()}`);
      await untilStopped(context.signal);
      return server.stop();
    }
    const opened = await openBroker({
      kind: "auto",
      external: undefined,
      port,
      portMayMove: false,
      embeddedCommand,
      path: context.env.PATH ?? "",
      log: context.log,
    });
    context.print(opened.description);
    await untilStopped(context.signal);
    await opened.stop();
  },
});
