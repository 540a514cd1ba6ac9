// A nats-server with JetStream and with streams that capture Encke's subjects, as producers configure them to
// store events.

import { join } from "node:path";
import { connect } from "nats";
import type { BrokerUnderTest } from "./brokers.ts";
import { NatsProcess } from "./nats-process.ts";
import type { InstalledServer } from "./nats-servers.ts";
import { tempDir } from "./temp-dir.ts";

/**
 * Returns a nats-server with these streams.
 * @param streams subjects by stream name; each stream acknowledges what it stores
 */
export function withStreams(
  server: InstalledServer,
  streams: Readonly<Record<string, readonly string[]>>,
): BrokerUnderTest {
  return {
    name: `${server.name} with JetStream`,
    skip: server.skip,
    async start([port] = []) {
      const config = `jetstream { store_dir: ${JSON.stringify(join(tempDir(), "jetstream"))} }\n`;
      const started = await NatsProcess.start(server, config, port);
      const admin = await connect({ servers: started.url });
      const manager = await admin.jetstreamManager();
      for (const [name, subjects] of Object.entries(streams))
        await manager.streams.add({ name, subjects: [...subjects] });
      await admin.close();
      return { urls: [started.url], ports: [started.port], stop: () => started.stop() };
    },
  };
}
