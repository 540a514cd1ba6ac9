// The plain pool: streams over detached sockets, for Node where the native pool cannot be built, for TLS in
// this process, and for connections without a descriptor. All sockets share its listeners; each socket holds
// only a reference to its stream.

import { existsSync, fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import type { Framing } from "../../formats/frame.ts";
import { descriptorOf } from "../../node/descriptor.ts";
import type { DrainOptions, PoolLimits, StreamSpec } from "../pool.ts";
import type { SinkDriver, Stream } from "../stream.ts";
import { StreamPool } from "../stream-pool.ts";
import { Unacknowledged } from "./unacknowledged.ts";

/** Where Linux lists IPv4 and IPv6 connections. */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];
/** Checks per timeout, so that a vanished reader is ended at most a tenth of the timeout late. */
const LOOKS = 10;

const STREAM: unique symbol = Symbol("stream");

type HeldSocket = Socket & { [STREAM]?: Stream<HeldSocket> };

const driver: SinkDriver<HeldSocket> = {
  write(socket, bytes) {
    if (socket.writable) socket.write(bytes);
  },
  pending: (socket) => socket.writableLength,
  end(socket) {
    socket.end();
    return true;
  },
  // a reset, because a reader that does not read would otherwise occupy the kernel's memory for minutes
  cut: (socket) => void socket.resetAndDestroy(),
};

export class SocketPool extends StreamPool<HeldSocket> {
  readonly #onClose: (this: HeldSocket) => void;
  readonly #onError: (this: HeldSocket) => void;
  readonly #onEnd: (this: HeldSocket) => void;
  readonly #onDrain: (this: HeldSocket) => void;
  #looking: NodeJS.Timeout | undefined;

  constructor(limits: PoolLimits) {
    super({ driver, limits });
    const tell = (socket: HeldSocket, act: (stream: Stream<HeldSocket>) => void): void => {
      const stream = socket[STREAM];
      if (stream !== undefined) act(stream);
    };
    const closed = this.closed.bind(this);
    const drained = this.drained.bind(this);
    this.#onEnd = function (this: HeldSocket): void {
      tell(this, (stream) => closed(stream, "peer"));
      this.destroy();
    };
    this.#onError = function (this: HeldSocket): void {
      tell(this, (stream) => closed(stream, "error"));
    };
    this.#onClose = function (this: HeldSocket): void {
      tell(this, (stream) => closed(stream, "peer"));
    };
    this.#onDrain = function (this: HeldSocket): void {
      tell(this, drained);
    };
  }

  /**
   * Holds a detached socket: writes the head and the stream's opening at once. Without framing, the response
   * lasts until the connection closes, as in HTTP/1.0.
   */
  adopt(socket: Socket, head: string, spec: StreamSpec, framing: Framing): void {
    const held: HeldSocket = socket;
    held.on("end", this.#onEnd);
    held.on("error", this.#onError);
    held.on("close", this.#onClose);
    held.on("drain", this.#onDrain);
    held[STREAM] = this.open(held, spec, framing, Buffer.from(head, "latin1"));
    held.resume(); // input from the reader is read and dropped
  }

  /**
   * Begins to end streams whose reader's machine has acknowledged nothing for `ms`, as errors of their
   * connections. For systems where the kernel cannot do this (edge/node/vanished.ts). Returns false where the
   * system does not expose acknowledgements, which only Linux does.
   */
  endVanished(ms: number): boolean {
    const tables = TABLES.filter(existsSync);
    if (tables.length === 0) return false;
    const unacknowledged = new Unacknowledged(ms);
    const look = async (): Promise<void> => {
      const texts = await Promise.all(tables.map((path) => readFile(path, "latin1")));
      const vanished = unacknowledged.look(texts.join(""), performance.now());
      if (vanished.size > 0) this.#end(this.streams().filter(({ sink }) => vanished.has(inodeOf(sink))));
    };
    // if a table cannot be read now, the next check reads it
    this.#looking = setInterval(() => void look().catch(() => {}), ms / LOOKS).unref();
    return true;
  }

  override async drain(options: DrainOptions): Promise<void> {
    await super.drain(options);
    clearInterval(this.#looking);
  }

  #end(streams: readonly Stream<HeldSocket>[]): void {
    for (const stream of streams) {
      this.closed(stream, "error");
      driver.cut(stream.sink);
    }
  }
}

/** Returns the inode by which the kernel's tables identify a socket; -1 once it is closed. */
function inodeOf(socket: Socket): number {
  const fd = descriptorOf(socket);
  return fd < 0 ? -1 : fstatSync(fd).ino;
}
