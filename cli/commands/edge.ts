// encke edge: an edge of N worker processes on one port, with its admin port.

import { chooseNats, natsSettings } from "../../broker/index.ts";
import { edgeConfigOf, edgeSettings } from "../../edge/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { DEFAULT_ADMIN_PORT, DEFAULT_PORT, listenAtOf, startEdge, urlOf } from "../edge-setup.ts";
import { listen, port } from "../settings.ts";
import { untilStopped } from "../signal.ts";

export const edge: Command = defineCommand({
  name: "edge",
  summary: "run an edge, which holds readers' streams",
  settings: { port, listen, ...edgeSettings, ...natsSettings },
  async run(context, values) {
    const { port = DEFAULT_PORT, host, listen, adminHost, adminPort = DEFAULT_ADMIN_PORT, workers } = values;
    const at = listenAtOf(listen, host, port);
    const config = edgeConfigOf(values, at, chooseNats(context, values).config);
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
