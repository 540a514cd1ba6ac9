// A proxy between one NATS client and its server that drops chosen messages on their way to the client, as a
// route between servers does when it breaks, or delays everything. Otherwise all passes unchanged. Owned by
// the test, which stops it.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** `MSG <subject> <sid> [reply] <bytes>`, and HMSG with two numbers, of which the last is the total. */
const MESSAGE = /^H?MSG (\S+) .*?(\d+)\r\n$/;
const CRLF = "\r\n";

export class LossyProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #drops: RegExp | undefined;
  #count = 0;
  /** Delay of everything on its way to the client, in milliseconds. */
  delayMs = 0;
  /** Subjects of the messages that were dropped. */
  readonly dropped: string[] = [];

  private constructor(upstream: number) {
    this.#server = createServer({ noDelay: true }, (client) => {
      const server = connect({ port: upstream, host: "127.0.0.1", noDelay: true });
      client.pipe(server);
      let rest: Buffer = Buffer.alloc(0);
      server.on("data", (bytes: Buffer) => {
        rest = this.#pass(Buffer.concat([rest, bytes]), client);
      });
      for (const [socket, other] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(socket);
        socket.on("error", () => {}); // a close follows
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }

  static async start(upstream: number): Promise<LossyProxy> {
    const proxy = new LossyProxy(upstream);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Drops the next messages whose subject matches. */
  drop(subject: RegExp, count = 1): void {
    this.#drops = subject;
    this.#count = count;
  }

  /** Breaks the present connections. New ones pass. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  stop(): void {
    this.#server.close();
    this.cut();
  }

  /** Timers of one length end in the order in which they began. */
  #write(client: Socket, bytes: Buffer): void {
    if (this.delayMs === 0) client.write(bytes);
    else setTimeout(() => client.write(bytes), this.delayMs);
  }

  /** Writes every complete protocol message to the client, and returns the rest. */
  #pass(bytes: Buffer, client: Socket): Buffer {
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
    if (passed.length > 0) this.#write(client, Buffer.concat(passed));
    return Buffer.from(bytes.subarray(at));
  }
}
