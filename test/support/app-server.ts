// The server of an application: it serves its own files, and passes everything else to an edge, as a reverse
// proxy does. It notes which page held a stream, and when. Owned by the test, which stops it.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { forward } from "./forward.ts";

const TYPES: Readonly<Record<string, string>> = { "": "text/html", ".js": "text/javascript" };

/** One response of `/stream` that the edge has begun. */
export interface HeldStream {
  /** Path and query of the page that asked for it. */
  readonly page: string;
  readonly beganAtMs: number;
  /** Infinite while it is open. */
  endedAtMs: number;
  readonly mute: () => void;
  readonly cut: () => void;
}

export class AppServer {
  readonly #server: Server;
  readonly #edge: () => URL;
  readonly #files: Readonly<Record<string, string>>;
  readonly streams: HeldStream[] = [];

  private constructor(edge: () => URL, files: Readonly<Record<string, string>>) {
    this.#edge = edge;
    this.#files = files;
    this.#server = createServer((incoming, outgoing) => {
      const file = this.#files[new URL(incoming.url ?? "/", "http://app.test").pathname];
      if (file === undefined) this.#pass(incoming, outgoing);
      else outgoing.setHeader("Content-Type", TYPES[extname(incoming.url ?? "")] ?? "text/html").end(file);
    });
  }

  /** @param files contents by path: pages, or scripts if the path ends in `.js` */
  static async start(edge: () => URL, files: Readonly<Record<string, string>>): Promise<AppServer> {
    const server = new AppServer(edge, files);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  get open(): HeldStream[] {
    return this.streams.filter(({ endedAtMs }) => endedAtMs === Number.POSITIVE_INFINITY);
  }

  /** Lets present streams stay open, and forwards nothing more of them: what a lost network looks like. */
  swallow(): void {
    for (const { mute } of this.open) mute();
  }

  /** Breaks the present streams. */
  cut(): void {
    for (const { cut } of this.open) cut();
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { hostname: host, port } = this.#edge();
    forward(incoming, outgoing, { host, port }, (response) => {
      if (response.statusCode === 200 && incoming.url?.startsWith("/stream"))
        this.#note(incoming.headers.referer, response, outgoing);
      response.on("close", () => outgoing.destroy());
    });
  }

  #note(referer: string | undefined, response: IncomingMessage, outgoing: ServerResponse): void {
    const { pathname, search } = new URL(referer ?? "none:");
    const page = `${pathname}${search}`;
    const stream: HeldStream = {
      page,
      beganAtMs: performance.now(),
      endedAtMs: Number.POSITIVE_INFINITY,
      mute: () => response.unpipe(outgoing).resume(),
      cut: () => outgoing.destroy(),
    };
    this.streams.push(stream);
    outgoing.on("close", () => {
      stream.endedAtMs = performance.now();
    });
  }
}
