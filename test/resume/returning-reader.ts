// A reader that comes back: it keeps the cursor of the last complete block, and when its connection ends it
// connects to an edge again and presents that cursor. The test decides after how many bytes or blocks a
// connection is cut. Owned by the test, which stops it.

import { connect, type Socket } from "node:net";
import { acceptOf, type Block, BlockParser, type StreamFormat } from "./blocks.ts";
import { BodyReader } from "./body-reader.ts";

/** How the cursor is presented: docs/protocol.md. */
export const CURSOR_PLACES = ["header", "last_event_id", "lastEventId"] as const;
export type CursorPlace = (typeof CURSOR_PLACES)[number];

/** When an edge refuses or is not there. */
const REFUSED_MS = 50;

export interface ReturningReaderOptions {
  readonly user: string;
  readonly format: StreamFormat;
  /** The edge for the next connection. */
  readonly edge: () => URL;
  readonly place?: CursorPlace;
  /** Called for every complete block. Returns false if the reader cuts the connection after this block. */
  readonly onBlock: (block: Block) => boolean;
  /** The number of bytes, including the response's head, after which a connection is cut. */
  readonly cutAfter?: () => number;
  /**
   * The time until the next connection, in milliseconds.
   * @param isFruitless whether the last one brought nothing, or only a goodbye
   */
  readonly pauseMs?: (isFruitless: boolean) => number;
  /** The rate at which the reader reads, in bytes per second; unlimited by default. */
  readonly bytesPerSecond?: number;
  /** The cursor of the first connection. */
  readonly cursor?: string | undefined;
}

export class ReturningReader {
  readonly #options: ReturningReaderOptions;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAway = true;
  /** Bytes until the present connection is cut. */
  #left = Number.POSITIVE_INFINITY;
  #hasHead = false;
  #isFruitless = true;
  /** The cursor of the last complete block. */
  cursor: string | undefined;
  /** Number of connections so far. */
  connections = 0;
  /** Connections that were cut by the reader. */
  cuts = 0;
  /** Statuses other than 200. */
  refusals = 0;
  /** Goodbyes by reason. */
  readonly goodbyes: Map<string, number> = new Map();
  /** What broke the protocol; the reader stops at the first. */
  fault: Error | undefined;

  constructor(options: ReturningReaderOptions) {
    this.#options = options;
    this.cursor = options.cursor;
  }

  /** Connects, and does so again after every end, until `leave`. */
  come(): void {
    this.#isAway = false;
    if (this.#socket === undefined && this.#timer === undefined) this.#connect();
  }

  /** Cuts the connection and stays away until `come`. */
  leave(): void {
    this.#isAway = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** Whether the head of the present response has arrived: from then on the stream is complete. */
  get isReading(): boolean {
    return this.#socket !== undefined && this.#hasHead;
  }

  /** Replaces the number of bytes after which the present connection is cut. */
  recut(): void {
    this.#left = this.#options.cutAfter?.() ?? Number.POSITIVE_INFINITY;
  }

  /** Stops or continues reading without closing the connection, as a stopped process does. */
  freeze(isFrozen: boolean): void {
    if (isFrozen) this.#socket?.pause();
    else this.#socket?.resume();
  }

  #connect(): void {
    this.#timer = undefined;
    const { edge, format, bytesPerSecond } = this.#options;
    const url = edge();
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket = socket;
    this.connections += 1;
    const parser = new BlockParser(format);
    this.#hasHead = false;
    this.#isFruitless = true;
    this.recut();
    const response = new BodyReader({
      onStatus: (status) => {
        this.#hasHead = status === 200;
        if (this.#hasHead) return;
        this.refusals += 1;
        socket.destroy();
      },
      onBody: (data) => parser.push(data, (block) => this.#receive(socket, block)),
      onEnd: () => socket.destroy(),
    });
    socket.write(this.#request(url));
    socket.on("data", (bytes: Buffer) => {
      const read = bytes.subarray(0, Math.min(bytes.length, this.#left));
      this.#left -= read.length;
      this.#guard(() => response.push(read));
      if (this.#left <= 0) this.#cut(socket);
      if (bytesPerSecond === undefined || socket.destroyed) return;
      socket.pause();
      setTimeout(() => socket.resume(), (bytes.length * 1000) / bytesPerSecond);
    });
    socket.on("error", () => {}); // a close follows
    socket.on("close", () => this.#ended(socket));
  }

  #request({ host }: URL): string {
    const { user, format, place = "header" } = this.#options;
    const query = new URLSearchParams({ user });
    const headers: Record<string, string> = { Host: host, ...acceptOf(format) };
    if (this.cursor !== undefined && place === "header") headers["Last-Event-ID"] = this.cursor;
    else if (this.cursor !== undefined) query.set(place, this.cursor);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `GET /stream?${query} HTTP/1.1\r\n${lines.join("")}\r\n`;
  }

  /** Returns whether the parser is to continue. */
  #receive(socket: Socket, block: Block): boolean {
    if (socket.destroyed) return false;
    const { cursor, kind, reason = "" } = block;
    if (cursor !== undefined) this.cursor = cursor;
    if (kind === "goodbye") this.goodbyes.set(reason, (this.goodbyes.get(reason) ?? 0) + 1);
    else if (kind !== "welcome") this.#isFruitless = false;
    if (this.#options.onBlock(block)) return true;
    this.#cut(socket);
    return false;
  }

  #cut(socket: Socket): void {
    if (socket.destroyed) return;
    this.cuts += 1;
    socket.destroy();
  }

  #guard(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.fault ??= error as Error;
      this.leave();
    }
  }

  #ended(socket: Socket): void {
    if (this.#socket === socket) this.#socket = undefined;
    if (this.#isAway || this.#socket !== undefined || this.#timer !== undefined) return;
    const { pauseMs = () => REFUSED_MS } = this.#options;
    this.#timer = setTimeout(() => this.#connect(), pauseMs(this.#isFruitless));
  }
}
