// encke graph serve: the graph service.

import { chooseNats, natsSettings } from "../../broker/index.ts";
import { AdminServer, edgeSettings } from "../../edge/index.ts";
import {
  GraphService,
  historyBoundsOf,
  historySettings,
  intakeOf,
  intakeSettings,
} from "../../graph/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { createMetrics } from "../../lib/metrics.ts";
import { pick } from "../../lib/settings.ts";
import { collectWhenQuiet } from "../collector.ts";
import { data, partitions, rowMemory } from "../settings.ts";
import { untilStopped } from "../signal.ts";

export const graphServe: Command = defineCommand({
  name: "graph serve",
  summary: "run the graph service, which replies to queries, makes changes and fans out events",
  settings: {
    data,
    partitions,
    rowMemory,
    ...historySettings,
    ...intakeSettings,
    ...pick(edgeSettings, "adminHost", "adminPort"),
    ...natsSettings,
  },
  async run(context, values) {
    const {
      data: directory,
      partitions,
      rowMemory: rowMemoryMb,
      replayEvents,
      adminHost,
      adminPort,
    } = values;
    const { log, signal } = context;
    const metrics = createMetrics();
    const nats = chooseNats(context, values).config;
    const service = new GraphService({
      ...{ directory, partitions, rowMemoryMb, replayEvents, nats, log, metrics, signal },
      history: historyBoundsOf(values),
      intake: intakeOf(values),
    });
    const admin =
      adminPort === undefined
        ? undefined
        : new AdminServer({
            host: adminHost,
            port: adminPort,
            notReady: () => service.notReady,
            metrics: () => metrics.registry.metrics(),
          });
    await admin?.start();
    try {
      await service.start();
      const part = partitions.of === 1 ? "" : `, partitions ${partitions}`;
      context.announce(`graph of ${service.follows} follow relations in ${directory}${part}`);
      collectWhenQuiet();
      await untilStopped(signal);
    } finally {
      await service.stop();
      await admin?.stop();
    }
  },
});
