// Notices within a second that the NATS server of a service has stopped: it hangs, or its machine was cut
// off, so that TCP reports nothing for minutes. The service then connects to another node. Where there is no
// other one, nothing is gained by that, and whatever is on its way would be lost, so the service waits
// longer. A server or a service that is merely busy is not given up:
//
// - Silence is counted in ticks of this process, each of which follows a turn in which the socket was read. A
//   tick that comes late starts the count again, because this process was busy or stopped, and what the
//   server has sent in the meantime has not been read yet.
// - Everything that moves is a sign of life, not only the reply to a ping, which waits behind other data in
//   both directions: bytes that arrive, and bytes of ours that the kernel accepts after a backlog.
//
// One per client; holds one timer and at most one ping.

import type { NatsConnection } from "nats";
import { type DialedSocket, serversOf, socketOf } from "./dialed.ts";

/** Short enough that four ticks, the longest time until a silent server is given up, are a second. */
const TICK_MS = 250;
/** Number of ticks without a sign of life, after the one that sent a ping. */
const SILENT_TICKS = 3;
/** The same if there is no other server: five seconds, after which the graph considers an edge as gone. */
const SILENT_TICKS_OF_ONLY = 20;
/** A tick that comes later than this after the last one is late. */
const LATE_MS = 2 * TICK_MS;

export class ServerWatch {
  readonly #nats: NatsConnection;
  readonly #onSilent: () => void;
  readonly #timer: NodeJS.Timeout;
  #tickedAtMs = performance.now();
  #socket: DialedSocket | undefined;
  #bytesRead = 0;
  /** Bytes of ours that the kernel had not accepted. */
  #unaccepted = 0;
  #isPinging = false;
  #silentTicks = 0;

  /** @param onSilent called when a server is given up, before its connection ends */
  constructor(nats: NatsConnection, onSilent: () => void) {
    this.#nats = nats;
    this.#onSilent = onSilent;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    const isLate = nowMs - this.#tickedAtMs > LATE_MS;
    this.#tickedAtMs = nowMs;
    const socket = socketOf(this.#nats);
    if (this.#hasMoved(socket) || isLate) this.#silentTicks = 0;
    else if (this.#isPinging) this.#silentTicks += 1;
    if (socket === undefined) return;
    const patience = serversOf(this.#nats) > 1 ? SILENT_TICKS : SILENT_TICKS_OF_ONLY;
    if (this.#silentTicks >= patience) this.#giveUp(socket);
    else if (!this.#isPinging) this.#ping();
  }

  /** Returns whether anything has moved since the last tick, or the socket is another one. */
  #hasMoved(socket: DialedSocket | undefined): boolean {
    const bytesRead = socket?.bytesRead ?? 0;
    const unaccepted = socket?._handle?.writeQueueSize ?? 0;
    const hasMoved =
      socket !== this.#socket || bytesRead !== this.#bytesRead || unaccepted !== this.#unaccepted;
    this.#socket = socket;
    this.#bytesRead = bytesRead;
    this.#unaccepted = unaccepted;
    return hasMoved;
  }

  #ping(): void {
    this.#isPinging = true;
    const settle = (): void => {
      this.#isPinging = false;
    };
    this.#nats.flush().then(settle, settle); // rejects when the connection ends
  }

  /** Ends the connection. The library's own way would wait until a stopped server has taken all our bytes. */
  #giveUp(socket: DialedSocket): void {
    this.#silentTicks = 0;
    this.#onSilent();
    socket.destroy();
  }
}
