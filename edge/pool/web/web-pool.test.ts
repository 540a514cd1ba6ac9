import type { Context } from "hono";
import { createHttpServer } from "../../http/server.ts";
import { testWebPoolConformance } from "../conformance/suite.ts";
import type { StreamSpec } from "../pool.ts";
import { WebPool } from "./web-pool.ts";

let current: WebPool;

testWebPoolConformance({
  name: "web",
  skip: false,
  sendsHead: false,
  create: (limits) => {
    current = new WebPool(limits);
    return current;
  },
  serve: (app) => createHttpServer({ fetch: (request, env) => app.fetch(request, env), methods: "GET" }),
  hold: (c: Context, spec: StreamSpec, headers) => c.body(current.body(spec), 200, headers),
});
