// The NATS protocol over a plain socket, line by line, so that the suite sees what a client library would
// hide.

import { connect, type Socket } from "node:net";

const PATIENCE_MS = 5_000;
const PLAIN_CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n';

export class RawClient {
  readonly #socket: Socket;
  #received = "";
  #ended = false;
  #changed: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#received += text;
      this.#changed();
    });
    for (const event of ["close", "error"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#changed();
      });
    }
  }

  /** Connects, waits for INFO, and sends `hello`. */
  static async open(port: number, hello: string = PLAIN_CONNECT): Promise<RawClient> {
    const client = new RawClient(connect(port, "127.0.0.1"));
    await client.until(/INFO .*\r\n/);
    client.#received = client.#received.replace(/^INFO .*\r\n/, "");
    client.send(hello);
    return client;
  }

  /** Everything received and not taken yet. */
  get received(): string {
    return this.#received;
  }

  get ended(): boolean {
    return this.#ended;
  }

  send(text: string | Buffer): void {
    this.#socket.write(text);
  }

  /** Stops reading, as a hung process does. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits for a pattern, and takes and returns everything up to its end. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const match = pattern.exec(this.#received);
      if (match !== null) {
        const end = match.index + match[0].length;
        const taken = this.#received.slice(0, end);
        this.#received = this.#received.slice(end);
        return taken;
      }
      if (this.#ended || performance.now() > deadline) {
        throw new Error(
          `${pattern} did not come, ${this.#ended ? "the connection ended" : "in time"}: ${JSON.stringify(this.#received)}`,
        );
      }
      await this.#next(deadline - performance.now());
    }
  }

  /** Sends lines and returns what they caused: everything before the PONG to a PING that follows them. */
  async exchange(lines: string): Promise<string> {
    this.send(`${lines}PING\r\n`);
    return (await this.until(/PONG\r\n/)).replace(/PONG\r\n$/, "").replaceAll("PING\r\n", "");
  }

  /** Sends lines and returns the last words of a server that closes the connection because of them. */
  async exchangeUntilClose(lines: string | Buffer): Promise<string> {
    this.send(lines);
    const deadline = performance.now() + PATIENCE_MS;
    while (!this.#ended) {
      if (performance.now() > deadline) throw new Error("the server did not close the connection");
      await this.#next(deadline - performance.now());
    }
    return this.#received;
  }

  close(): void {
    this.#socket.destroy();
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, ms));
      this.#changed = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
