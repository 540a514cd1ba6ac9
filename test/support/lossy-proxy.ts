// A proxy between NATS clients and their server, or between two servers: a link that can lose chosen messages
// on their way to the client, be slow, be silent or be cut. Otherwise all passes unchanged. Owned by the
// test, which stops it.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { LinkLane } from "./link-lane.ts";

/** `MSG <subject> <sid> [reply] <bytes>`, and HMSG with two numbers, of which the last is the total. */
const MESSAGE = /^H?MSG (\S+) .*?(\d+)\r\n$/;
const CRLF = "\r\n";

/** One connection through the proxy. */
interface Link {
  readonly sockets: readonly Socket[];
  readonly lanes: readonly LinkLane[];
  /** One side has ended while the link was silent, so the other has not learned of it. */
  isHalfOpen: boolean;
}

export class LossyProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #drops: RegExp | undefined;
  #count = 0;
  #isSevered = false;
  #isSilent = false;
  /** Delay of everything on its way to the client, in milliseconds. */
  delayMs = 0;
  /** Delay of everything on its way to the server. */
  upstreamDelayMs = 0;
  /** Subjects of the messages that were dropped. */
  readonly dropped: string[] = [];

  private constructor(upstream: number, isRoute: boolean) {
    this.#server = createServer({ noDelay: true }, (client) => {
      if (this.#isSevered) return void client.resetAndDestroy();
      const server = connect({ port: upstream, host: "127.0.0.1", noDelay: true });
      const [up, down] = [new LinkLane(client, server), new LinkLane(server, client)];
      const link: Link = { sockets: [client, server], lanes: [up, down], isHalfOpen: false };
      this.#links.add(link);
      client.on("data", (bytes: Buffer) => up.write(bytes, this.upstreamDelayMs));
      let rest: Buffer = Buffer.alloc(0);
      server.on("data", (bytes: Buffer) => {
        if (isRoute) down.write(bytes, this.delayMs);
        else rest = this.#pass(Buffer.concat([rest, bytes]), down);
      });
      for (const socket of link.sockets) {
        socket.on("error", () => {}); // a close follows
        socket.on("close", () => this.#closed(link));
      }
      if (this.#isSilent) for (const lane of link.lanes) lane.hold(true);
    });
  }

  /** @param isRoute whether it is a link between two servers, whose messages cannot be dropped */
  static async start(upstream: number, isRoute = false): Promise<LossyProxy> {
    const proxy = new LossyProxy(upstream, isRoute);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Drops the next messages whose subject matches. */
  drop(subject: RegExp, count = 1): void {
    this.#drops = subject;
    this.#count = count;
  }

  /** Breaks the present connections. New ones pass. */
  cut(): void {
    for (const link of this.#links) end(link);
  }

  /** Breaks the present connections and refuses new ones, or accepts them again. */
  sever(isSevered: boolean): void {
    this.#isSevered = isSevered;
    if (isSevered) this.cut();
  }

  /**
   * Lets nothing pass in either direction, not even the end of a connection, as a cable does that was pulled
   * out. When it passes again, what waited arrives, as TCP sends it again.
   */
  silence(isSilent: boolean): void {
    this.#isSilent = isSilent;
    for (const link of this.#links) {
      for (const lane of link.lanes) lane.hold(isSilent);
      if (!isSilent && link.isHalfOpen) end(link);
    }
  }

  stop(): void {
    this.#server.close();
    this.cut();
  }

  #closed(link: Link): void {
    if (this.#isSilent) link.isHalfOpen = true;
    else end(link);
    if (link.sockets.every(({ destroyed }) => destroyed)) this.#links.delete(link);
  }

  /** Writes every complete protocol message to the client, and returns the rest. */
  #pass(bytes: Buffer, client: LinkLane): Buffer {
    const passed: Buffer[] = [];
    let at = 0;
    for (let end = bytes.indexOf(CRLF); end !== -1; end = bytes.indexOf(CRLF, at)) {
      const line = bytes.toString("latin1", at, end + CRLF.length);
      const [, subject, size] = MESSAGE.exec(line) ?? [];
      const length = line.length + (size === undefined ? 0 : Number(size) + CRLF.length);
      if (at + length > bytes.length) break;
      if (subject !== undefined && this.#count > 0 && this.#drops?.test(subject) === true) {
        this.#count -= 1;
        this.dropped.push(subject);
      } else passed.push(bytes.subarray(at, at + length));
      at += length;
    }
    if (passed.length > 0) client.write(Buffer.concat(passed), this.delayMs);
    return Buffer.from(bytes.subarray(at));
  }
}

function end({ sockets }: Link): void {
  for (const socket of sockets) socket.destroy();
}
