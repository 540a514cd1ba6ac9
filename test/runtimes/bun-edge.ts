// An edge under Bun: the same app, with streams over web streams and NATS over Bun's sockets. bun.test.ts
// runs it with NATS_URL set; it prints its port.

import { BrokerClient } from "../../broker/index.ts";
import { WebEdge } from "../../edge/index.ts";
import { createLogger } from "../../lib/log.ts";

interface BunServer {
  readonly port: number;
}
declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    idleTimeout: number;
    fetch: (request: Request) => Response | Promise<Response>;
  }): BunServer;
};

const log = createLogger("bun", "warn");
const client = await BrokerClient.connect(
  { url: process.env.NATS_URL ?? "" },
  { name: "bun edge", log, wait: false },
);
const edge = new WebEdge({
  edgeId: "bun",
  client,
  anonymous: true,
  config: {
    fanout: "subject",
    jwtKey: undefined,
    allowPublish: undefined,
    corsOrigins: [],
    maxStreams: 100,
    maxStreamsPerUser: 10,
  },
  onError: (error) => log.error({ err: error }, "request failed"),
});
await edge.start();
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch: (request) => edge.app.fetch(request),
});
process.stdout.write(`${server.port}\n`);
process.on(
  "SIGTERM",
  () => void edge.stop({ perSecond: 1_000, deadlineMs: 1_000 }).then(() => process.exit(0)),
);
