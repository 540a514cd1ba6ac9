// How long this client has been without a server, and for how long at most a server may have been there that
// this client was not connected to yet: since its attempt before the last. Owned by the client.

export class Outage {
  #lostMs = 0;
  /** When the last two attempts to connect began. */
  #attempts: readonly number[] = [];

  /** Notes that the connection was lost. */
  lost(): void {
    this.#lostMs = performance.now();
    this.#attempts = [];
  }

  /** Notes that an attempt to connect begins. */
  tried(): void {
    this.#attempts = [...this.#attempts.slice(-1), performance.now()];
  }

  /** Milliseconds since the loss of the connection was noticed. */
  get lengthMs(): number {
    return performance.now() - this.#lostMs;
  }

  /** Milliseconds since the last attempt that failed, or since the loss if the first one has succeeded. */
  get sinceFailureMs(): number {
    const [failed] = this.#attempts.length > 1 ? this.#attempts : [this.#lostMs];
    return performance.now() - (failed ?? this.#lostMs);
  }
}
