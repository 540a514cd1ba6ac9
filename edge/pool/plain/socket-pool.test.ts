import { holdSockets } from "../../node/holders.ts";
import { createNodeServer, markHeld } from "../../node/server.ts";
import { testPoolConformance } from "../conformance/suite.ts";
import { SocketPool } from "./socket-pool.ts";

testPoolConformance({
  name: "plain",
  skip: process.platform === "linux" ? false : "it looks into /proc",
  sendsHead: true,
  create: (limits) => new SocketPool(limits),
  serve: (app, pool, onAbandoned) =>
    createNodeServer({ app, holder: holdSockets(pool as SocketPool), onAbandoned }),
  hold: markHeld,
});
