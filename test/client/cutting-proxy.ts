// A proxy between the client and the edges that cuts each connection after a number of bytes which the test
// chooses, counted from the first byte of the response. Connections go to the edges in turn. Owned by the
// test, which stops it.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface CuttingProxyOptions {
  /** Ports of the edges. */
  readonly upstreams: readonly number[];
  /** The number of bytes after which the next connection is cut; infinite to leave it alone. */
  readonly cutAfter: () => number;
}

export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes until each present connection is cut, by the client's socket. */
  readonly #left = new Map<Socket, number>();
  readonly #cutAfter: () => number;
  /** Connections that were cut so far. */
  cuts = 0;
  connections = 0;

  private constructor({ upstreams, cutAfter }: CuttingProxyOptions) {
    this.#cutAfter = cutAfter;
    this.#server = createServer({ noDelay: true }, (client) => {
      const port = upstreams[this.connections % upstreams.length] as number;
      this.connections += 1;
      this.#left.set(client, cutAfter());
      const edge = connect({ host: "127.0.0.1", port, noDelay: true });
      client.pipe(edge);
      edge.on("data", (bytes: Buffer) => {
        const left = this.#left.get(client) ?? 0;
        const passed = bytes.subarray(0, Math.min(bytes.length, left));
        this.#left.set(client, left - passed.length);
        if (!client.write(passed)) edge.pause();
        if (left > passed.length) return;
        this.cuts += 1;
        edge.destroy();
        // the client reads what was passed, or, after a reset, perhaps not even that
        if (this.cuts % 2 === 0) client.end();
        else client.resetAndDestroy();
      });
      client.on("drain", () => edge.resume());
      this.#join(client, edge);
      this.#join(edge, client);
    });
  }

  static async start(options: CuttingProxyOptions): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(options);
    await new Promise<void>((resolve) => {
      proxy.#server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, resolve);
    });
    return proxy;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  /** Replaces the number of bytes after which each present connection is cut. */
  recut(): void {
    for (const client of this.#left.keys()) this.#left.set(client, this.#cutAfter());
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // a close follows
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#left.delete(socket);
      if (!other.destroyed) other.end();
    });
  }
}
