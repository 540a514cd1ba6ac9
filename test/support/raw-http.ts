// HTTP over a plain socket: sends what no client library would send, and records every byte and how the
// connection ends.

import { connect, type Socket } from "node:net";
import { waitFor } from "./wait-for.ts";

export class RawHttp {
  readonly socket: Socket;
  /** Everything received, decoded as latin1. */
  text = "";
  /** How the peer closed the connection; undefined while it has not. */
  ended: "fin" | "reset" | undefined;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text: string) => {
      this.text += text;
    });
    this.socket.on("end", () => {
      this.ended ??= "fin";
    });
    this.socket.on("error", () => {
      this.ended = "reset";
    });
  }

  send(text: string): this {
    this.socket.write(text, "latin1");
    return this;
  }

  get(path: string, version = "1.1"): this {
    return this.send(`GET ${path} HTTP/${version}\r\nHost: x\r\n\r\n`);
  }

  until(what: string | RegExp): Promise<void> {
    const found = (): boolean => (typeof what === "string" ? this.text.includes(what) : what.test(this.text));
    return waitFor(`${what} in ${JSON.stringify(this.text.slice(-300))}`, found);
  }

  untilEnded(): Promise<void> {
    return waitFor("the connection to end", () => this.ended !== undefined);
  }

  /**
   * Returns the complete chunks of the last chunked response; an empty chunk is the end.
   * @throws Error if the framing is broken
   */
  get chunks(): string[] {
    const chunks: string[] = [];
    const head = this.text.lastIndexOf("Transfer-Encoding: chunked\r\n");
    let rest = this.text.slice(this.text.indexOf("\r\n\r\n", head) + 4);
    for (;;) {
      const match = /^([0-9a-f]+)\r\n/.exec(rest);
      if (match === null) {
        const isPart = /^[0-9a-f]*\r?$/.test(rest); // of the next chunk's head
        if (!isPart) throw new Error(`broken framing at ${JSON.stringify(rest.slice(0, 40))}`);
        return chunks;
      }
      const size = Number.parseInt(match[1] ?? "", 16);
      const from = match[0].length;
      if (rest.length < from + size + 2) return chunks;
      if (rest.slice(from + size, from + size + 2) !== "\r\n")
        throw new Error("a chunk is longer than its declared size");
      chunks.push(rest.slice(from, from + size));
      rest = rest.slice(from + size + 2);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}
