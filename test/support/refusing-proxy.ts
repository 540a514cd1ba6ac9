// A proxy in front of an edge, like a load balancer. It forwards requests until it is told to refuse; then it
// closes open connections and replies itself. Owned by the test, which stops it.

import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { forward } from "./forward.ts";

export interface ProxyRefusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Prefix of the paths that are refused. */
  readonly path: string;
}

export interface PassedRequest {
  readonly url: URL;
  readonly atMs: number;
  readonly refused: boolean;
}

export class RefusingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly requests: PassedRequest[] = [];
  #refusal: ProxyRefusal | undefined;

  private constructor(upstream: number) {
    this.#server = createServer((incoming, outgoing) => {
      const url = new URL(incoming.url ?? "/", "http://proxy.test");
      const refusal = url.pathname.startsWith(this.#refusal?.path ?? "never") ? this.#refusal : undefined;
      this.requests.push({ url, atMs: performance.now(), refused: refusal !== undefined });
      if (refusal !== undefined) {
        outgoing.writeHead(refusal.status, { "Content-Type": "text/html", ...refusal.headers });
        outgoing.end(incoming.method === "HEAD" ? "" : (refusal.body ?? "<h1>Sorry</h1>"));
        return;
      }
      forward(incoming, outgoing, { host: "127.0.0.1", port: upstream });
    });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(upstream: number): Promise<RefusingProxy> {
    const proxy = new RefusingProxy(upstream);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  /** Returns the requests so far whose path begins with this. */
  asked(path: string): PassedRequest[] {
    return this.requests.filter(({ url }) => url.pathname.startsWith(path));
  }

  refuse(refusal: ProxyRefusal): void {
    this.#refusal = refusal;
    for (const socket of this.#sockets) socket.destroy();
  }

  passOn(): void {
    this.#refusal = undefined;
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}
