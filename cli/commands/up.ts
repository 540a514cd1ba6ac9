// encke up: runs everything on one machine: broker, graph (a demo graph at the first start) and edge. The
// graph is opened while the broker starts; the edge follows. If a default port is taken, the next free one is
// used. Ctrl-C drains in the opposite order.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { brokerKind, chooseNats, natsSettings, openBroker } from "../../broker/index.ts";
import { edgeConfigOf, edgeSettings } from "../../edge/index.ts";
import {
  countFriendships,
  GraphService,
  generateFriendships,
  historyBoundsOf,
  historySettings,
  loadFollows,
} from "../../graph/index.ts";
import { type Command, type Context, defineCommand } from "../../lib/command.ts";
import { createMetrics } from "../../lib/metrics.ts";
import { describeListener } from "../../lib/processes.ts";
import { DEFAULT_ADMIN_PORT, DEFAULT_PORT, listenAtOf, portFor, startEdge, urlOf } from "../edge-setup.ts";
import { embeddedBrokerOf } from "../own-command.ts";
import { data, listen, port, users } from "../settings.ts";
import { untilStopped } from "../signal.ts";
import { DEFAULT_PORT as DEFAULT_NATS_PORT } from "./broker.ts";

const FRIENDS = 15;
const SEED = 1;

export const up: Command = defineCommand({
  name: "up",
  summary: "run broker, graph and edge together, with a page to watch",
  settings: {
    port,
    listen,
    data,
    users,
    broker: brokerKind,
    ...historySettings,
    ...edgeSettings,
    ...natsSettings,
  },
  async run(context, values) {
    const { log, signal, announce } = context;
    const choice = chooseNats(context, values);
    const opening = openBroker({
      kind: values.broker,
      external: choice.url === undefined ? undefined : choice.config,
      port: DEFAULT_NATS_PORT,
      portMayMove: true,
      embeddedCommand: embeddedBrokerOf(context),
      environment: context.env,
      log,
    });
    const nats = opening.then(({ url }) => ({ ...choice.config, url }));
    nats.catch(() => {}); // thrown where it is awaited
    /** What has been started; it is stopped in the opposite order. */
    const started: (() => Promise<void>)[] = [
      () =>
        opening.then(
          (broker) => broker.stop(),
          () => {},
        ),
    ];
    try {
      await makeDemoGraph(context, values.data, values.users);
      const metrics = createMetrics();
      const history = historyBoundsOf(values);
      const { data: directory, replayEvents } = values;
      // our own broker has no JetStream
      const intake = { kind: choice.url === undefined ? "core" : "auto" } as const;
      const graph = new GraphService({
        ...{ directory, history, intake, replayEvents, nats, log, metrics, signal },
      });
      await graph.start();
      started.unshift(() => graph.stop());
      const broker = await opening;

      const { host, adminHost } = values;
      const port = await portFor("--host", host, values.port, DEFAULT_PORT);
      const adminPort = await portFor("--admin-host", adminHost, values.adminPort, DEFAULT_ADMIN_PORT);
      const config = edgeConfigOf(values, listenAtOf(values.listen, host, port), await nats);
      const admin = { host: adminHost, port: adminPort };
      const edge = await startEdge({ config, workers: values.workers, admin, alongside: metrics, log });
      started.unshift(edge.stop);

      const page = values.listen ?? urlOf(host, edge.port);
      const moved = [
        ...(choice.url === undefined
          ? whereTo("broker", DEFAULT_NATS_PORT, Number(new URL(broker.url).port))
          : []),
        ...(values.port === undefined && values.listen === undefined
          ? whereTo("page", DEFAULT_PORT, port)
          : []),
        ...(values.adminPort === undefined ? whereTo("admin port", DEFAULT_ADMIN_PORT, adminPort) : []),
      ];
      announce(`
Encke is up.

  page    ${page}
  admin   ${urlOf(adminHost, edge.adminPort)}metrics
  broker  ${broker.description}
  graph   ${graph.follows.toLocaleString("en")} follow relations in ${values.data}
${moved.join("")}
Open the page. Then try, in another terminal:

  npx encke pub ${serverFlag(broker.url)}event.42 'hello from 42'
  nats pub -s ${broker.url} event.42 'hello again'
  npx encke request ${serverFlag(broker.url)}event.42 'who saw this?'

Ctrl-C stops it.
`);
      await untilStopped(signal);
    } finally {
      for (const stop of started) await stop();
    }
  },
});

/**
 * Reports that a default port was taken. Producers may still send to the process that has it, so the user
 * must know.
 */
function whereTo(what: string, wanted: number, taken: number): string[] {
  if (wanted === taken) return [];
  return [
    `\nPort ${wanted} is taken: ${describeListener(wanted)}. The ${what} uses port ${taken} instead.\n`,
  ];
}

/** Returns the flag that `encke pub` needs to find the broker; none at the default port. */
function serverFlag(url: string): string {
  return url.endsWith(`:${DEFAULT_NATS_PORT}`) ? "" : `-s ${url} `;
}

/** Creates a demo graph at the first start. */
async function makeDemoGraph(
  { progress: createProgress }: Context,
  directory: string,
  users: number,
): Promise<void> {
  if (existsSync(join(directory, "CURRENT"))) return;
  const shape = { users, friends: FRIENDS, seed: SEED };
  const total = countFriendships(shape);
  if (total === 0) return;
  const progress = createProgress("creating a demo graph", "rows' entries", 4 * total);
  try {
    await loadFollows(
      { name: "the demo graph", newcomers: generateFriendships(shape) },
      { directory, kind: "friendships", onProgress: (_phase, done) => progress.update(done) },
    );
  } finally {
    progress.stop();
  }
}
