import { testFanout } from "./fanout.suite.ts";
import { brokers, partitioned } from "./support/brokers.ts";
import { cluster, clusterOf } from "./support/cluster.ts";

for (const broker of brokers) {
  testFanout(broker, ["subject", "subject"]);
  testFanout(broker, ["gateway", "gateway"]);
  testFanout(broker, ["gateway", "subject"]);
}
testFanout(cluster, ["gateway", "subject"]);

/** Four partitions, three services, none of which has neighbours only. */
const SHARES = ["0,2/4", "1/4", "3/4"];
testFanout(partitioned(4), ["subject", "subject"], SHARES);
testFanout(partitioned(4), ["gateway", "gateway"], SHARES);
testFanout(clusterOf(4), ["gateway", "subject"], SHARES);
