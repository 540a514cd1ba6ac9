// Peer: server-sent events on node:http, one ServerResponse per reader.

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { drive, forget } from "./drive.ts";

const connections: ServerResponse[] = [];
const server = createServer((_request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(": hello\n\n");
  connections.push(response);
  response.on("close", () => forget(connections, response));
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 16_384 }, () => {
  drive((server.address() as AddressInfo).port, connections, (response, text) => {
    response.write(`data: ${text}\n\n`);
  });
});
