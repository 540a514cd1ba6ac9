// Peer: Hono's own `streamText()` on @hono/node-server, one response stream per reader.

import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { streamText } from "hono/streaming";
import { drive, forget } from "./drive.ts";

type StreamingApi = Parameters<Parameters<typeof streamText>[1]>[0];

const connections: StreamingApi[] = [];
const app = new Hono();
app.get("/", (c) =>
  streamText(c, async (stream) => {
    await stream.write("hello\n");
    connections.push(stream);
    await new Promise<void>((resolve) => stream.onAbort(resolve));
    forget(connections, stream);
  }),
);
const server = createAdaptorServer({ fetch: app.fetch });
server.listen({ host: "127.0.0.1", port: 0, backlog: 16_384 }, () => {
  drive((server.address() as AddressInfo).port, connections, (stream, text) => void stream.write(text));
});
