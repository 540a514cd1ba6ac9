// One client of the embedded broker: its socket, its subscriptions and its pending output. Output is
// collected during one turn of the event loop and written at once. A client that does not read is
// disconnected when `maxPendingBytes` are waiting, as nats-server disconnects a slow consumer.

import type { Socket } from "node:net";
import { type Operation, ProtocolParser, ProtocolViolation } from "./protocol.ts";
import { isValidPattern, type Subscribed } from "./subject-tree.ts";

/** Collected output beyond this size is written before the end of the turn. */
const FLUSH_BYTES = 65_536;

export interface Subscription extends Subscribed {
  readonly connection: Connection;
  readonly sid: string;
  delivered: number;
  /** The subscription ends after this many deliveries; 0 for never. */
  max: number;
}

/** The interface through which a connection uses its broker. */
export interface Switchboard {
  readonly maxPayload: number;
  readonly maxPendingBytes: number;
  subscribe(subscription: Subscription): void;
  unsubscribe(subscription: Subscription): void;
  route(
    from: Connection,
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    payload: Buffer,
  ): void;
  closed(connection: Connection, why: CloseReason): void;
}

export type CloseReason = "client" | "violation" | "slow" | "stopped";

const COUNT = /^\d{1,9}$/;

/** Defaults before CONNECT, and for fields that CONNECT omits, as in nats-server. */
const DEFAULTS = { verbose: true, pedantic: true, echo: true, headers: false, no_responders: false };

export class Connection {
  readonly #socket: Socket;
  readonly #board: Switchboard;
  readonly #parser: ProtocolParser;
  readonly #subscriptions = new Map<string, Subscription>();
  #out = "";
  #flushing = false;
  #closed = false;
  options: typeof DEFAULTS = DEFAULTS;
  /** Number of our PINGs without a reply. */
  pingsOut = 0;

  constructor(socket: Socket, board: Switchboard) {
    this.#socket = socket;
    this.#board = board;
    this.#parser = new ProtocolParser(board.maxPayload, (operation) => this.#handle(operation));
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", () => this.close("client")); // a reset: "close" follows, and nothing is left to send
    socket.on("close", () => this.close("client"));
  }

  /** Queues protocol text, as `latin1` so that payload bytes pass unchanged. */
  send(text: string): void {
    if (this.#closed) return;
    this.#out += text;
    if (this.#out.length >= FLUSH_BYTES) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => {
        this.#flushing = false;
        this.#flush();
      });
    }
  }

  /** Sends one message, at most `max` times per subscription. */
  deliver(
    subscription: Subscription,
    subject: string,
    reply: string | undefined,
    headerBytes: number,
    body: string,
  ): void {
    const { sid } = subscription;
    const where = reply === undefined ? `${subject} ${sid}` : `${subject} ${sid} ${reply}`;
    if (headerBytes > 0 && this.options.headers) {
      this.send(`HMSG ${where} ${headerBytes} ${body.length}\r\n${body}\r\n`);
    } else {
      const data = headerBytes > 0 ? body.slice(headerBytes) : body;
      this.send(`MSG ${where} ${data.length}\r\n${data}\r\n`);
    }
    subscription.delivered += 1;
    if (subscription.max > 0 && subscription.delivered >= subscription.max) this.#remove(subscription);
  }

  /** Sends `error`, if any, and closes the connection. Idempotent; nothing is delivered afterwards. */
  close(why: CloseReason, error?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const subscription of this.#subscriptions.values()) this.#board.unsubscribe(subscription);
    this.#subscriptions.clear();
    this.#board.closed(this, why);
    if (why === "slow") return void this.#socket.destroy();
    this.#socket.end(error === undefined ? this.#out : `${this.#out}-ERR '${error}'\r\n`, "latin1");
    this.#socket.destroySoon();
  }

  #flush(): void {
    if (this.#closed || this.#out === "") return;
    this.#socket.write(this.#out, "latin1");
    this.#out = "";
    if (this.#socket.writableLength > this.#board.maxPendingBytes) this.close("slow");
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.close("violation", error.message);
    }
  }

  #handle(operation: Operation): void {
    if (this.#closed) return;
    switch (operation.name) {
      case "PUB":
        return this.#publish(operation);
      case "SUB":
        return this.#subscribe(operation.line);
      case "UNSUB":
        return this.#unsubscribe(operation.line);
      case "PING":
        return this.send("PONG\r\n");
      case "PONG":
        this.pingsOut = 0;
        return;
      case "CONNECT":
        return this.#connect(operation.line);
      default: // INFO, +OK, -ERR: a client may send them, but they have no meaning here
    }
  }

  #connect(json: string): void {
    let given: Partial<typeof DEFAULTS> & { tls_required?: boolean };
    try {
      given = JSON.parse(json);
    } catch {
      throw new ProtocolViolation("CONNECT is not JSON");
    }
    if (given.tls_required === true) {
      throw new ProtocolViolation("no TLS in the embedded broker: run nats-server and set NATS_URL");
    }
    this.options = { ...DEFAULTS, ...given };
    if (this.options.no_responders && !this.options.headers) {
      throw new ProtocolViolation("no responders requires headers support");
    }
    this.#ok();
  }

  #publish({ subject, reply, headerBytes, payload }: Extract<Operation, { name: "PUB" }>): void {
    if (headerBytes > 0 && !this.options.headers)
      throw new ProtocolViolation("message headers not supported");
    if (this.options.pedantic && (!isValidPattern(subject) || /(^|\.)[*>](\.|$)/.test(subject))) {
      this.send("-ERR 'Invalid Publish Subject'\r\n");
    }
    this.#board.route(this, subject, reply, headerBytes, payload);
    this.#ok();
  }

  #subscribe(line: string): void {
    const words = line.split(/[ \t]+/);
    const [pattern = "", second = "", third] = words;
    if (words.length < 2 || words.length > 3 || second === "") throw new ProtocolViolation("Bad SUB");
    const sid = third ?? second;
    const queue = third === undefined ? undefined : second;
    if (!isValidPattern(pattern)) return this.send("-ERR 'Invalid Subject'\r\n");
    if (!this.#subscriptions.has(sid)) {
      const subscription: Subscription = { pattern, queue, connection: this, sid, delivered: 0, max: 0 };
      this.#subscriptions.set(sid, subscription);
      this.#board.subscribe(subscription);
    }
    this.#ok();
  }

  #unsubscribe(line: string): void {
    const [sid = "", most = "", ...more] = line.split(/[ \t]+/);
    if (sid === "" || more.length > 0) throw new ProtocolViolation("Bad UNSUB");
    const subscription = this.#subscriptions.get(sid);
    if (subscription !== undefined) {
      // as in nats-server, a maximum that is not a number ends the subscription at once
      subscription.max = COUNT.test(most) ? Number(most) : 0;
      if (subscription.max === 0 || subscription.delivered >= subscription.max) this.#remove(subscription);
    }
    this.#ok();
  }

  #remove(subscription: Subscription): void {
    this.#subscriptions.delete(subscription.sid);
    this.#board.unsubscribe(subscription);
  }

  #ok(): void {
    if (this.options.verbose) this.send("+OK\r\n");
  }
}
