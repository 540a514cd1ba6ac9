import { describe } from "node:test";
import { testFanout } from "./fanout.suite.ts";
import { brokers, realWith, SHARES } from "./support/brokers.ts";
import { clusterOf } from "./support/cluster.ts";
import { natsServers } from "./support/nats-servers.ts";

// the tests mostly wait for beats and expiries, so two networks run at once
describe("fan-out over every broker", { concurrency: 2 }, () => {
  for (const broker of brokers) {
    testFanout(broker, ["subject", "subject"]);
    testFanout(broker, ["frames", "frames"]);
    testFanout(broker, ["frames", "subject"]);
  }
  for (const server of natsServers) {
    const divided = realWith({ server, partitions: 4 });
    testFanout(clusterOf(1, server), ["frames", "subject"]);
    testFanout(divided, ["subject", "subject"], SHARES);
    testFanout(divided, ["frames", "frames"], SHARES);
    testFanout(clusterOf(4, server), ["frames", "subject"], SHARES);
  }
});
