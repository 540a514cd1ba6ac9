// encke broker: runs only the broker, which is a nats-server if one is installed and else the embedded
// broker.

import { resolve } from "node:path";
import { MAX_PARTITIONS, partitionMappings } from "../../broker/contract.ts";
import {
  EmbeddedBroker,
  findNatsServer,
  jetStreamSettings,
  type NatsServerChoice,
  openBroker,
  versionOfNatsServer,
} from "../../broker/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { integer } from "../../lib/schemas.ts";
import type { Setting } from "../../lib/settings.ts";
import { embeddedBrokerOf } from "../own-command.ts";
import { embedded, jetstream, port, printConfig, serverVersion } from "../settings.ts";
import { untilStopped } from "../signal.ts";

export const DEFAULT_PORT = 4_222;

/** Here, partitions are only a number; each graph service is told which of them it owns. */
const partitions: Setting<number> = {
  value: "N",
  help: "number of partitions of the topics, for several graph services (needs a nats-server)",
  schema: integer(1, MAX_PARTITIONS),
  default: 1,
};

export const broker: Command = defineCommand({
  name: "broker",
  summary: "run only the broker, on loopback",
  settings: { port, embedded, partitions, jetstream, printConfig, serverVersion },
  async run(context, { port = DEFAULT_PORT, embedded, partitions, jetstream, printConfig, serverVersion }) {
    if (printConfig) {
      const mappings = partitionMappings(partitions);
      if (jetstream === undefined) return context.print(mappings.trimEnd());
      const version = serverVersion ?? versionFound(context.env);
      return context.print(`${mappings}${jetStreamSettings(resolve(jetstream), version)}`.trimEnd());
    }
    if (embedded && jetstream !== undefined)
      throw new CommandError("USAGE", "the embedded broker has no JetStream: omit --embedded or --jetstream");
    if (embedded && partitions > 1)
      throw new CommandError(
        "USAGE",
        "the embedded broker has no partitions: omit --embedded or --partitions",
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
      jetStreamFolder: jetstream === undefined ? undefined : resolve(jetstream),
      embeddedCommand: embeddedBrokerOf(context),
      environment: context.env,
      log: context.log,
    });
    context.announce(opened.description);
    await untilStopped(context.signal);
    await opened.stop();
  },
});

/** Returns the version of the nats-server that `encke broker` would run. */
function versionFound(environment: NatsServerChoice): string | undefined {
  const binary = findNatsServer(environment);
  return binary === undefined ? undefined : versionOfNatsServer(binary);
}
