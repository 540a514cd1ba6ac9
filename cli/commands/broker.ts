// encke broker: the broker alone, a nats-server where there is one, else the embedded broker.

import { MAX_PARTITIONS, partitionMappings } from "../../broker/contract.ts";
import { EmbeddedBroker, openBroker } from "../../broker/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { integer } from "../../lib/schemas.ts";
import type { Setting } from "../../lib/settings.ts";
import { embeddedBrokerOf } from "../own-command.ts";
import { embedded, port, printConfig } from "../settings.ts";
import { untilStopped } from "../signal.ts";

export const DEFAULT_PORT = 4_222;

/** For the broker a number; who owns which of them is the graph services' matter. */
const partitions: Setting<number> = {
  value: "N",
  help: "split the topics into so many, for several graph services (needs a nats-server)",
  schema: integer(1, MAX_PARTITIONS),
  default: 1,
};

export const broker: Command = defineCommand({
  name: "broker",
  summary: "the broker alone, on loopback",
  settings: { port, embedded, printConfig, partitions },
  async run(context, { port = DEFAULT_PORT, embedded, partitions, printConfig }) {
    if (printConfig) return context.print(partitionMappings(partitions).trimEnd());
    if (embedded && partitions > 1)
      throw new CommandError(
        "USAGE",
        "the embedded broker has no partitions: leave --embedded or --partitions away",
      );
    if (embedded) {
      const server = new EmbeddedBroker({ port });
      context.announce(`embedded broker at nats://127.0.0.1:${await server.start()}`);
      await untilStopped(context.signal);
      return server.stop();
    }
    const opened = await openBroker({
      kind: "auto",
      external: undefined,
      port,
      portMayMove: false,
      partitions,
      embeddedCommand: embeddedBrokerOf(context),
      environment: context.env,
      log: context.log,
    });
    context.announce(opened.description);
    await untilStopped(context.signal);
    await opened.stop();
  },
});
