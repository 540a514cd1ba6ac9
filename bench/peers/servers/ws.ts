// Peer: WebSockets by `ws`, without compression.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { drive, forget } from "./drive.ts";

const connections: WebSocket[] = [];
const server = createServer();
new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (socket) => {
  connections.push(socket);
  socket.on("close", () => forget(connections, socket));
  socket.on("error", () => {}); // the reader resets its connections at the end; `close` follows
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 16_384 }, () => {
  drive((server.address() as AddressInfo).port, connections, (socket, text) => socket.send(text));
});
