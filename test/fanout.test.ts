import { testFanout } from "./fanout.suite.ts";
import { brokers } from "./support/brokers.ts";
import { cluster } from "./support/cluster.ts";

for (const broker of brokers) {
  testFanout(broker, ["subject", "subject"]);
  testFanout(broker, ["gateway", "gateway"]);
  testFanout(broker, ["gateway", "subject"]);
}
testFanout(cluster, ["gateway", "subject"]);
