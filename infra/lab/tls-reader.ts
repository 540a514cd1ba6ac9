// A reader that behaves as a browser does: it finds the site's hosts by name, tries the next address if one
// refuses, reads a stream over TLS with HTTP/1.1 or HTTP/2, reconnects at once when the stream ends (over
// HTTP/2 on the same connection while that lasts), and tells a clean end from a cut. All readers count into
// one tally.

import { type ClientHttp2Session, connect, constants } from "node:http2";
import { get } from "node:https";
import { connect as connectTls } from "node:tls";

/** A reader that was cut, or refused by every address, waits before it tries again. */
const RETRY_MS = 200;
const CONNECT_MS = 5_000;

const COUNTS = [
  "open", // streams that are open now
  "opened",
  "ended", // streams that ended with their last chunk or END_STREAM, by the server's decision
  "cut", // streams that ended in any other way
  "refused", // times that no address accepted the reader, or that the status was not 200
  "movedOn", // times that one address refused and the next one was tried
  "events",
  "lost", // numbers that a reader missed between two that it received
  "doubled",
  "resyncs",
] as const;

/** What happened to all readers together. */
export type Tally = Record<(typeof COUNTS)[number], number>;

export function createTally(): Tally {
  return Object.fromEntries(COUNTS.map((name) => [name, 0])) as Tally;
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
type OnHead = (status: number) => void;

export class TlsReader {
  #options: ReaderOptions;
  #last: number | undefined;
  #cursor: string | undefined;
  #line = "";
  #stopped = false;
  #close: (() => void) | undefined;
  /** An HTTP/2 connection that can carry the next stream. */
  #session: ClientHttp2Session | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Reads until `stop`. */
  async run(): Promise<void> {
    const { tally } = this.#options;
    while (!this.#stopped) {
      const end = await this.#readAtAnyAddress();
      if (this.#stopped) return;
      tally[end] += 1;
      if (end !== "ended") await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Changes what the reader uses from its next connection on. */
  update(changes: Partial<Pick<ReaderOptions, "addresses" | "ca" | "token">>): void {
    this.#options = { ...this.#options, ...changes };
  }

  stop(): void {
    this.#stopped = true;
    this.#close?.();
    this.#session?.destroy();
  }

  async #readAtAnyAddress(): Promise<"ended" | "cut" | "refused"> {
    const { addresses, tally, protocol } = this.#options;
    const session = this.#session;
    if (session !== undefined) {
      // As a browser does: reuse the connection, and open another one if it was just being closed.
      const end = await this.#read((onHead) => this.#request(session, onHead), "address refused");
      if (end !== "address refused") return end;
    }
    const from = Math.floor(Math.random() * addresses.length);
    for (let index = 0; index < addresses.length && !this.#stopped; index += 1) {
      const address = addresses[(from + index) % addresses.length] ?? "";
      const end = await this.#read((onHead) =>
        protocol === "h2" ? this.#overHttp2(address, onHead) : this.#overHttp1(address, onHead),
      );
      if (end !== "address refused") return end;
      if (index + 1 < addresses.length) tally.movedOn += 1;
    }
    return "refused";
  }

  /** Counts one stream from its head to its end. @param withoutHead the result if there was no response */
  async #read(open: (onHead: OnHead) => Promise<End>, withoutHead?: End): Promise<End> {
    const { tally } = this.#options;
    let status = 0;
    this.#line = "";
    const end = await open((received) => {
      status = received;
      if (status !== 200) return;
      tally.opened += 1;
      tally.open += 1;
    });
    if (status === 200) tally.open -= 1;
    if (status === 0) return withoutHead ?? end;
    return status === 200 ? end : "refused";
  }

  get #headers(): Record<string, string> {
    const { token } = this.#options;
    const cursor: Record<string, string> =
      this.#cursor === undefined ? {} : { "last-event-id": this.#cursor };
    return { authorization: `Bearer ${token}`, accept: "application/x-ndjson", ...cursor };
  }

  #overHttp1(host: string, onHead: OnHead): Promise<End> {
    const { domain, ca } = this.#options;
    const headers = { host: domain, ...this.#headers };
    return new Promise((resolve) => {
      let end: End = "address refused";
      const request = get({ host, servername: domain, ca, path: "/stream", headers, agent: false });
      this.#close = () => request.destroy();
      request.setTimeout(CONNECT_MS, () => end === "address refused" && request.destroy());
      request.on("socket", (socket) =>
        socket.on("secureConnect", () => {
          end = "cut";
        }),
      );
      request.on("response", (response) => {
        const { statusCode = 0 } = response;
        onHead(statusCode);
        if (statusCode !== 200) request.destroy(); // the body of an error is no stream, and may stay open
        response.on("data", (text: Buffer) => this.#take(text.toString("utf8")));
        response.on("end", () => {
          end = "ended";
        });
        response.on("error", () => {}); // counted as a cut
      });
      request.on("error", () => {}); // `end` has the outcome
      request.on("close", () => resolve(end));
    });
  }

  #overHttp2(host: string, onHead: OnHead): Promise<End> {
    const { domain, ca } = this.#options;
    return new Promise((resolve) => {
      const session = connect(`https://${domain}`, {
        createConnection: () =>
          connectTls({ host, port: 443, servername: domain, ca, ALPNProtocols: ["h2"] }),
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
        void this.#request(session, onHead).then(resolve);
      });
      session.on("goaway", forget);
      session.on("error", () => {}); // `connected` has the outcome
      session.on("close", () => {
        forget();
        if (!connected) resolve("address refused");
      });
    });
  }

  /** Reads one stream to its end. The connection stays open for the next one unless the server closes it. */
  #request(session: ClientHttp2Session, onHead: OnHead): Promise<End> {
    return new Promise((resolve) => {
      if (session.closed || session.destroyed) return resolve("address refused");
      const stream = session.request({ ":path": "/stream", ...this.#headers });
      let complete = false;
      stream.setEncoding("utf8");
      stream.on("response", (head) => onHead(Number(head[":status"])));
      stream.on("data", (text: string) => this.#take(text));
      stream.on("end", () => {
        complete = true;
      });
      stream.on("error", () => {}); // the close event has the outcome
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
      resync?: { cursor?: string };
    };
    if (resync !== undefined) tally.resyncs += 1;
    this.#cursor = cursor ?? resync?.cursor ?? this.#cursor;
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
