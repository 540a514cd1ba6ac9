// Paces the reads of a service's connection. Every read wakes the process up, and a process that is woken for
// single messages spends most of its time on being woken. When data arrives sooner than BUSY_MS after the
// socket became readable, the socket is not read for the next millisecond, so that messages are handled
// together. With less traffic nothing is delayed; with more, each read keeps the process busy for longer than
// the pause. One per client; holds at most one timer.

import type { NatsConnection } from "nats";
import { type DialedSocket, transportOf } from "./dialed.ts";

/** How long the socket is not read after a read. */
const PAUSE_MS = 1;
/** Above one read per this time, a pause gathers at least two messages. */
const BUSY_MS = 0.5;

export class ReadPacer {
  #socket: DialedSocket | undefined;
  /** Since when the socket has been readable: since the last read or pause. */
  #readableFromMs = Number.NEGATIVE_INFINITY;

  /**
   * Paces the present socket of a connection. To be called again after each reconnect. Does nothing if the
   * connection is lost again by then. (Should a later release of the library keep its socket elsewhere, the
   * tests would show that reads are not paced.)
   */
  pace(nats: NatsConnection): void {
    const socket = transportOf(nats)?.socket;
    if (socket === undefined || socket === this.#socket) return;
    this.#socket = socket;
    let isPaused = false;
    socket.on("data", () => {
      const nowMs = performance.now();
      const isBusy = nowMs - this.#readableFromMs < BUSY_MS;
      this.#readableFromMs = nowMs;
      if (!isBusy || isPaused) return;
      isPaused = true;
      socket._handle?.readStop();
      setTimeout(() => {
        isPaused = false;
        this.#readableFromMs = performance.now();
        socket._handle?.readStart();
      }, PAUSE_MS);
    });
  }
}
