// A reader as a browser is one: finds the site's hosts by name, takes the next address when one refuses, reads a stream
// over TLS with HTTP/1.1 or HTTP/2, comes back at once when it ended (over HTTP/2 on the same connection while that lasts),
// and knows an end from a cut. Its counts go into a tally that all readers share.

import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import { ChunkedReader } from "../../lib/chunked-reader.ts";

/** After a refusal by every address, or a cut, a reader waits so long. */
const RETRY_MS = 200;
const CONNECT_MS = 5_000;

/** What happened to all readers together. */
export interface Tally {
  /** Streams that are open now. */
  open: number;
  opened: number;
  /** Ended with their last chunk or END_STREAM: the server's decision. */
  ended: number;
  /** Ended in any other way. */
  cut: number;
  /** No address took the reader, or the answer was not 200. */
  refused: number;
  /** One address refused and the next one was tried. */
  movedOn: number;
  events: number;
  /** Numbers that a reader missed between two that it saw. */
  lost: number;
  doubled: number;
  resyncs: number;
}

export interface ReaderOptions {
  readonly addresses: readonly string[];
  readonly domain: string;
  readonly ca: string;
  readonly token: string;
  readonly protocol: "http/1.1" | "h2";
  readonly tally: Tally;
}

type End = "ended" | "cut" | "refused" | "address refused";

interface Handlers {
  onHead(status: number): void;
  onText(text: string): void;
}

export class TlsReader {
  #options: ReaderOptions;
  #last: number | undefined;
  #cursor: string | undefined;
  #line = "";
  #opened = false;
  #stopped = false;
  #close: (() => void) | undefined;
  /** An HTTP/2 connection that may be used again. */
  #session: ClientHttp2Session | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Reads until `stop`. */
  async run(): Promise<void> {
    const { tally } = this.#options;
    while (!this.#stopped) {
      const end = await this.#anyAddress();
      if (this.#stopped) return;
      tally[end] += 1;
      if (end !== "ended") await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** What counts from its next connection on. */
  hear(news: Partial<Pick<ReaderOptions, "addresses" | "ca" | "token">>): void {
    this.#options = { ...this.#options, ...news };
  }

  stop(): void {
    this.#stopped = true;
    this.#close?.();
    this.#session?.destroy();
  }

  async #anyAddress(): Promise<"ended" | "cut" | "refused"> {
    const { addresses, tally } = this.#options;
    if (this.#session !== undefined) {
      // as a browser does: what has a connection uses it, and opens another one where that was closing just then
      const end = await this.#read("");
      if (end !== "address refused") return end;
    }
    const from = Math.floor(Math.random() * addresses.length);
    for (let index = 0; index < addresses.length && !this.#stopped; index += 1) {
      const end = await this.#read(addresses[(from + index) % addresses.length] ?? "");
      if (end !== "address refused") return end;
      if (index + 1 < addresses.length) tally.movedOn += 1;
    }
    return "refused";
  }

  async #read(address: string): Promise<End> {
    const { tally, protocol } = this.#options;
    let status = 0;
    this.#line = "";
    this.#opened = false;
    const handlers: Handlers = {
      onHead: (got) => {
        status = got;
        if (got !== 200) return;
        this.#opened = true;
        tally.opened += 1;
        tally.open += 1;
      },
      onText: (text) => this.#take(text),
    };
    const session = this.#session;
    const end = await (session !== undefined
      ? this.#request(session, handlers)
      : protocol === "h2"
        ? this.#overHttp2(address, handlers)
        : this.#overHttp1(address, handlers));
    if (this.#opened) tally.open -= 1;
    if (status !== 0 && status !== 200) return "refused";
    return session !== undefined && status === 0 ? "address refused" : end;
  }

  get #headers(): Record<string, string> {
    const { token } = this.#options;
    const cursor: Record<string, string> =
      this.#cursor === undefined ? {} : { "last-event-id": this.#cursor };
    return { authorization: `Bearer ${token}`, accept: "application/x-ndjson", ...cursor };
  }

  #overHttp1(address: string, { onHead, onText }: Handlers): Promise<End> {
    const { domain, ca } = this.#options;
    return new Promise((resolve) => {
      let complete = false;
      let connected = false;
      const socket = connectTls({
        host: address,
        port: 443,
        servername: domain,
        ca,
        ALPNProtocols: ["http/1.1"],
      });
      socket.setTimeout(CONNECT_MS, () => connected || socket.destroy());
      const reader = new ChunkedReader({
        onHead: ({ status }) => {
          onHead(status);
          if (status !== 200) socket.destroy(); // what follows an error is no stream, and may stay open
        },
        onChunk: (data) => onText(data.toString("utf8")),
        onEnd: () => {
          complete = true;
          socket.destroy();
        },
      });
      this.#close = () => socket.destroy();
      socket.on("secureConnect", () => {
        connected = true;
        const lines = Object.entries(this.#headers).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.write(`GET /stream HTTP/1.1\r\nHost: ${domain}\r\n${lines.join("")}\r\n`);
      });
      socket.on("data", (bytes: Buffer) => reader.push(bytes));
      socket.on("error", () => {}); // what follows is told apart at the close
      socket.on("close", () => resolve(complete ? "ended" : connected ? "cut" : "address refused"));
    });
  }

  #overHttp2(address: string, handlers: Handlers): Promise<End> {
    const { domain, ca } = this.#options;
    return new Promise((resolve) => {
      const session = connectHttp2(`https://${domain}`, {
        createConnection: () =>
          connectTls({ host: address, port: 443, servername: domain, ca, ALPNProtocols: ["h2"] }),
      });
      let connected = false;
      const forget = (): void => {
        if (this.#session === session) this.#session = undefined;
      };
      this.#close = () => session.destroy();
      session.setTimeout(CONNECT_MS, () => connected || session.destroy());
      session.on("connect", () => {
        connected = true;
        this.#session = session;
        void this.#request(session, handlers).then(resolve);
      });
      session.on("goaway", forget);
      session.on("error", () => {}); // told apart by whether it had connected
      session.on("close", () => {
        forget();
        if (!connected) resolve("address refused");
      });
    });
  }

  /** One stream of a connection, to its end. The connection stays for the next, unless the server said that it goes. */
  #request(session: ClientHttp2Session, { onHead, onText }: Handlers): Promise<End> {
    return new Promise((resolve) => {
      if (session.closed || session.destroyed) return resolve("address refused");
      const stream = session.request({ ":path": "/stream", ...this.#headers });
      let complete = false;
      stream.setEncoding("utf8");
      stream.on("response", (head) => onHead(Number(head[":status"])));
      stream.on("data", onText);
      stream.on("end", () => {
        complete = true;
      });
      stream.on("error", () => {}); // told apart at the close
      stream.on("close", () => {
        // END_STREAM, and no reset
        const whole = complete && stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted;
        if (this.#session !== session || session.destroyed) session.destroy();
        resolve(whole ? "ended" : "cut");
      });
    });
  }

  #take(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#takeLine(line);
  }

  #takeLine(line: string): void {
    const { tally } = this.#options;
    const { data, cursor, resync } = JSON.parse(line) as {
      data?: { n?: number };
      cursor?: string;
      resync?: object;
    };
    if (resync !== undefined) tally.resyncs += 1;
    this.#cursor = cursor ?? this.#cursor;
    const number = data?.n;
    if (number === undefined) return;
    tally.events += 1;
    if (this.#last !== undefined && number <= this.#last) tally.doubled += 1;
    else {
      if (this.#last !== undefined) tally.lost += number - this.#last - 1;
      this.#last = number;
    }
  }
}
