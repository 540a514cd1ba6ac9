import { testFanout } from "./fanout.suite.ts";
import { brokers } from "./support/brokers.ts";

for (const broker of brokers) {
  testFanout(broker, ["subject", "subject"]);
  testFanout(broker, ["gateway", "gateway"]);
  testFanout(broker, ["gateway", "subject"]);
}
