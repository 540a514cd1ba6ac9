// A server that replies to each request with bytes that the test chooses, at a time that the test chooses.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { waitFor } from "./wait-for.ts";

export class ScriptedServer {
  readonly #server: Server;
  /** Connections whose request has arrived, by id: the last number in the request's path. */
  readonly sockets: Map<number, Socket> = new Map();
  readonly requests: string[] = [];
  /** Requests so far, including those of closed connections. */
  answered = 0;
  #ended = 0;

  private constructor(onRequest: (socket: Socket, id: number, nth: number) => void) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => {}); // a reset is an end
      socket.on("close", () => {
        this.#ended += 1;
      });
      let request = "";
      socket.setEncoding("latin1").on("data", (text) => {
        request += text;
        if (!request.endsWith("\r\n\r\n")) return;
        const id = Number(/(\d+) HTTP\/1\.1/.exec(request)?.[1]);
        this.requests.push(request);
        request = "";
        this.sockets.set(id, socket);
        this.answered += 1;
        onRequest(socket, id, this.answered);
      });
    });
  }

  static async start(
    onRequest: (socket: Socket, id: number, nth: number) => void,
    host = "127.0.0.1",
  ): Promise<ScriptedServer> {
    const server = new ScriptedServer(onRequest);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject).listen({ port: 0, host, backlog: 4_096 }, resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Waits until this many connections have ended. */
  untilEnded(count: number): Promise<void> {
    return waitFor(`${count} connections to end`, () => this.#ended >= count);
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.sockets.values()) socket.destroy();
  }
}
