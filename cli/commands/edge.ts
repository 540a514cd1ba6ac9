// encke edge: gateways, N worker processes on one port, and their admin port.

import { pick } from "../../lib/settings.ts";
import { type Command, defineCommand } from "../command.ts";
import {
  DEFAULT_ADMIN_PORT,
  DEFAULT_PORT,
  edgeConfigOf,
  listenAtOf,
  startEdge,
  urlOf,
} from "../edge-setup.ts";
import { edgeSettings, natsConfigOf, natsSettings, ownSettings } from "../settings.ts";
import { untilStopped } from "../signal.ts";

export const edge: Command = defineCommand({
  name: "edge",
  summary: "gateways: hold readers' streams",
  settings: { ...pick(ownSettings, "port", "listen"), ...edgeSettings, ...natsSettings },
  async run(context, values) {
    const { port = DEFAULT_PORT, host, listen, adminHost, adminPort = DEFAULT_ADMIN_PORT, workers } = values;
    const at = listenAtOf(listen, host, port);
    const config = edgeConfigOf(values, at, natsConfigOf(values));
    const running = await startEdge({
      config,
      workers,
      admin: { host: adminHost, port: adminPort },
      log: context.log,
    });
    const where = "path" in at ? `unix:${at.path}` : urlOf(host, running.port);
    context.announce(`edge at ${where}, admin at ${urlOf(adminHost, running.adminPort)}`);
    await untilStopped(context.signal);
    await running.stop();
  },
});
