// A parser of the client side of NATS' text protocol. Bytes go in as they arrive, complete operations come
// out. Owned by one connection; it holds at most one control line and one payload. Source: docs.nats.io,
// "Client Protocol", and nats-server's own behaviour where the documentation is silent.

/** As in nats-server, a longer control line closes the connection. */
const MAX_CONTROL_LINE = 4_096;

/** An operation that a client sends. `args` are the words after its name. */
export type Operation =
  | {
      readonly name: "CONNECT" | "PING" | "PONG" | "SUB" | "UNSUB" | "INFO" | "+OK" | "-ERR";
      readonly line: string;
    }
  | {
      readonly name: "PUB";
      readonly subject: string;
      readonly reply: string | undefined;
      /** Number of header bytes at the beginning of `payload`; 0 for a PUB. */
      readonly headerBytes: number;
      /** Headers and data. Valid only during the call. */
      readonly payload: Buffer;
    };

/** Thrown to end the connection; `message` is the text of the -ERR. */
export class ProtocolViolation extends Error {}

const LINE_OPERATIONS = new Set(["CONNECT", "PING", "PONG", "SUB", "UNSUB", "INFO", "+OK", "-ERR"]);
const WORDS = /[ \t]+/;
const [LF, CR] = [0x0a, 0x0d];
const EMPTY = Buffer.alloc(0);

interface Pending {
  readonly subject: string;
  readonly reply: string | undefined;
  readonly headerBytes: number;
  readonly totalBytes: number;
}

export class ProtocolParser {
  readonly #maxPayload: number;
  readonly #onOperation: (operation: Operation) => void;
  #rest: Buffer = EMPTY;
  /** Parts of an incomplete payload, joined once when it is complete. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #pending: Pending | undefined;

  constructor(maxPayload: number, onOperation: (operation: Operation) => void) {
    this.#maxPayload = maxPayload;
    this.#onOperation = onOperation;
  }

  /**
   * Parses further bytes.
   * @throws ProtocolViolation, after which nothing more may be pushed
   */
  push(chunk: Buffer): void {
    if (this.#pending !== undefined) {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      if (this.#waitingBytes < this.#pending.totalBytes + 2) return;
      this.#rest = Buffer.concat(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
    } else {
      this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    }
    this.#parse();
  }

  #parse(): void {
    const buffer = this.#rest;
    let at = 0;
    for (;;) {
      if (this.#pending !== undefined) {
        const { totalBytes } = this.#pending;
        const end = at + totalBytes;
        if (buffer.length < end + 2) {
          this.#waiting = [buffer.subarray(at)];
          this.#waitingBytes = buffer.length - at;
          this.#rest = EMPTY;
          return;
        }
        if (buffer[end] !== CR || buffer[end + 1] !== LF)
          throw new ProtocolViolation("Unknown Protocol Operation");
        const { subject, reply, headerBytes } = this.#pending;
        this.#pending = undefined;
        this.#onOperation({ name: "PUB", subject, reply, headerBytes, payload: buffer.subarray(at, end) });
        at = end + 2;
      }
      const newline = buffer.indexOf(LF, at);
      const lineEnd = newline === -1 ? buffer.length : newline;
      if (lineEnd - at > MAX_CONTROL_LINE) throw new ProtocolViolation("maximum control line exceeded");
      if (newline === -1) break;
      // latin1 preserves every byte of a subject and is the cheapest encoding to decode
      this.#readLine(buffer.toString("latin1", at, buffer[newline - 1] === CR ? newline - 1 : newline));
      at = newline + 1;
    }
    this.#rest = at === buffer.length ? EMPTY : buffer.subarray(at);
  }

  #readLine(line: string): void {
    const space = line.search(WORDS);
    const name = (space === -1 ? line : line.slice(0, space)).toUpperCase();
    const args = space === -1 ? "" : line.slice(space).trim();
    if (name === "PUB" || name === "HPUB") this.#pending = this.#readPublish(name, args.split(WORDS));
    else if (LINE_OPERATIONS.has(name)) this.#onOperation({ name, line: args } as Operation);
    else throw new ProtocolViolation(refusalOf(name));
  }

  #readPublish(name: "PUB" | "HPUB", words: readonly string[]): Pending {
    const sizes = name === "PUB" ? 1 : 2;
    const [subject = "", reply] = words;
    const hasReply = words.length === sizes + 2;
    const totalBytes = Number(words[words.length - 1]);
    const headerBytes = name === "PUB" ? 0 : Number(words[words.length - 2]);
    const whole = /^\d{1,10}$/;
    if (
      subject === "" ||
      (!hasReply && words.length !== sizes + 1) ||
      !words.slice(-sizes).every((word) => whole.test(word)) ||
      headerBytes > totalBytes
    ) {
      throw new ProtocolViolation(`Bad ${name}`);
    }
    if (totalBytes > this.#maxPayload) throw new ProtocolViolation("Maximum Payload Violation");
    return { subject, reply: hasReply ? reply : undefined, headerBytes, totalBytes };
  }
}

/** Operations of other protocols on nats-server's ports, refused by the name of the protocol. */
const OTHER_PROTOCOLS: Readonly<Record<string, string>> = {
  GET: "WebSocket",
  "RS+": "clustering",
  "RS-": "clustering",
  RMSG: "clustering",
  HMSG: "clustering",
  "A+": "clustering",
  "A-": "clustering",
  "LS+": "leaf nodes",
  "LS-": "leaf nodes",
  LMSG: "leaf nodes",
};

function refusalOf(name: string): string {
  const wanted = OTHER_PROTOCOLS[name];
  if (wanted !== undefined) return `no ${wanted} in the embedded broker: run nats-server and set NATS_URL`;
  return "Unknown Protocol Operation";
}
