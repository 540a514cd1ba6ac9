// A nats-server with JetStream, and streams that capture subjects of Encke's, as producers set them up to
// keep events.

import { join } from "node:path";
import { connect } from "nats";
import type { BrokerUnderTest } from "./brokers.ts";
import { NatsProcess } from "./nats-process.ts";
import type { InstalledServer } from "./nats-servers.ts";
import { tempDir } from "./temp-dir.ts";

/** @param streams the subjects of each stream, by its name; each acknowledges what it stores */
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
