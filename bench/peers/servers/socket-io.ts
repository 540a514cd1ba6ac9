// Peer: Socket.IO over WebSockets only. It pings once per hour instead of every 25 s, because the reader does
// not reply.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "socket.io";
import { drive, forget } from "./drive.ts";

const connections: Socket[] = [];
const server = createServer();
const io = new Server(server, { transports: ["websocket"], pingInterval: 3_600_000, serveClient: false });
io.on("connection", (socket) => {
  connections.push(socket);
  socket.on("disconnect", () => forget(connections, socket));
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 16_384 }, () => {
  drive((server.address() as AddressInfo).port, connections, (socket, text) => socket.emit("m", text));
});
