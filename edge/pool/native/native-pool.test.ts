import { holdDescriptors } from "../../node/holders.ts";
import { createNodeServer, markHeld } from "../../node/server.ts";
import { testPoolConformance } from "../conformance/suite.ts";
import { hasPoolAddon } from "./addon.ts";
import { NativePool } from "./native-pool.ts";

const skip = hasPoolAddon() ? false : "the addon was not built here";

testPoolConformance({
  name: "native",
  skip,
  sendsHead: true,
  create: (limits) => new NativePool(limits),
  serve: (app, pool, onAbandoned) =>
    createNodeServer({ app, holder: holdDescriptors(pool as NativePool), onAbandoned }),
  hold: markHeld,
});
