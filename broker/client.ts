// A thin client over `nats`: callback subscriptions only (its iterators cost ten times as much CPU a message), a
// status that services can show, errors with codes. One a process; it reconnects for ever and subscribes anew by
// itself. While it is disconnected a publish is refused, never queued: what the library would have queued, it
// throws away on reconnecting, and that would be a silent loss.

import { setTimeout as delay } from "node:timers/promises";
import {
  connect,
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Service,
  type ServiceConfig,
} from "nats";
import { Backoff } from "../lib/backoff.ts";
import { messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { connectError, isRefusal, requestError } from "./client-errors.ts";
import { BrokerError } from "./errors.ts";
import { ERROR_CODE_HEADER, ERROR_HEADER } from "./headers.ts";
import { describeServers, type NatsConfig, natsOptions } from "./nats-config.ts";

export type { Msg, MsgHdrs, Service } from "nats";

/** A dead server is noticed after two of these without an answer. */
const PING_INTERVAL_MS = 10_000;
const RECONNECT_WAIT_MS = 250;
const FIRST_CONNECT_TIMEOUT_MS = 2_000;
const WAITING_NOTE_MS = 5_000;
const NOTHING = new Uint8Array(0);

export interface ConnectOptions {
  /** Shown in the server's connection list. */
  readonly name: string;
  readonly log: Logger;
  /** Wait for a server that is not there yet, as services do; commands fail at once instead. */
  readonly wait: boolean;
  /** False: what this client publishes does not come back to its own subscriptions. */
  readonly echo?: boolean;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

export interface PublishOptions {
  readonly headers?: MsgHdrs;
  readonly reply?: string;
}

export interface Subscribed {
  unsubscribe(): void;
}

export class BrokerClient {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #listeners = new Set<(connected: boolean) => void>();
  #connected = true;
  /** Publishes refused because the connection was down. */
  refusedPublishes = 0;
  reconnects = 0;

  private constructor(nats: NatsConnection, log: Logger) {
    this.#nats = nats;
    this.#log = log;
    void this.#watchStatus();
  }

  /**
   * Connects. @throws BrokerError NATS_UNREACHABLE (without `wait`, or when the credentials are refused), BAD_NATS_URL
   */
  static async connect(
    config: NatsConfig,
    { name, log, wait, echo = true, signal }: ConnectOptions,
  ): Promise<BrokerClient> {
    const options = {
      ...natsOptions(config),
      name,
      noEcho: !echo,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      timeout: FIRST_CONNECT_TIMEOUT_MS,
      ignoreAuthErrorAbort: true, // credentials that are refused for a while, in a rotation say, are tried again
    };
    const backoff = new Backoff(100, 1_000);
    let notedAt = 0;
    for (;;) {
      try {
        return new BrokerClient(await connect(options), log);
      } catch (cause) {
        const where = describeServers(config);
        if (!wait || isRefusal(cause)) {
          throw connectError(where, cause);
        }
        if (Date.now() - notedAt > WAITING_NOTE_MS) {
          notedAt = Date.now();
          log.warn({ servers: where, reason: messageOf(cause) }, "waiting for NATS");
        }
      }
      await delay(backoff.nextMs(), undefined, signal === undefined ? {} : { signal });
    }
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Calls `listener` at every loss and return of the connection. Answers its undoing. */
  onStatus(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Hands a message to the connection; at most once, in the order of the calls. False, and counted, while
   * disconnected.
   */
  publish(subject: string, payload: Uint8Array | string = NOTHING, options: PublishOptions = {}): boolean {
    if (!this.#connected || this.#nats.isClosed()) {
      this.refusedPublishes += 1;
      return false;
    }
    this.#nats.publish(subject, payload, { ...options });
    return true;
  }

  /** Calls back for every message. It survives reconnects. A callback must not throw: what does is logged. */
  subscribe(subject: string, onMessage: (message: Msg) => void, queue?: string): Subscribed {
    return this.#nats.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error !== null)
          return this.#log.error({ subject, reason: error.message }, "subscription refused");
        try {
          onMessage(message);
        } catch (thrown) {
          this.#log.error({ subject, err: thrown }, "message handler failed");
        }
      },
    });
  }

  /** Many literal subjects, one callback: no closure and no wrapper a subscription. The callback must not throw. */
  subscribeBare(subject: string, callback: (error: Error | null, message: Msg) => void): Subscribed {
    return this.#nats.subscribe(subject, { callback });
  }

  /** Resolves when the server has processed everything sent before. @throws BrokerError NATS_DISCONNECTED */
  async flush(): Promise<void> {
    try {
      await this.#nats.flush();
    } catch (cause) {
      throw new BrokerError(
        "NATS_DISCONNECTED",
        "the connection to NATS went down: it comes back by itself, try again",
        { cause },
      );
    }
  }

  /** One request, one reply. @throws BrokerError NO_RESPONDERS, REQUEST_TIMEOUT or NATS_DISCONNECTED */
  async request(subject: string, payload: Uint8Array | string, timeoutMs: number): Promise<Msg> {
    try {
      return await this.#nats.request(subject, payload, { timeout: timeoutMs });
    } catch (cause) {
      throw requestError(subject, timeoutMs, cause);
    }
  }

  /** A subject under which only this client receives; append `.` and one token of your own. */
  newInbox(): string {
    return createInbox();
  }

  /** Announces a NATS micro service (`nats micro ls` shows it). */
  addService(config: ServiceConfig): Promise<Service> {
    return this.#nats.services.add(config);
  }

  /** Sends what is left and closes. Idempotent. */
  async close(): Promise<void> {
    if (this.#nats.isClosed()) return;
    if (this.#connected) await this.#nats.flush().catch(() => {}); // nothing more can be sent: closing anyway
    await this.#nats.close();
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.#nats.status()) {
      if (status.type === "disconnect") this.#become(false);
      else if (status.type === "reconnect") this.#become(true);
      else if (status.type === "error") this.#log.warn({ reason: status.data }, "NATS error");
    }
    this.#become(false);
  }

  #become(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    if (connected) this.reconnects += 1;
    this.#log.warn(connected ? "NATS is back" : "NATS connection lost");
    for (const listener of this.#listeners) listener(connected);
  }
}

/** Where the sender waits for an answer; undefined where it does not (the library says "" then). */
export function replyOf(message: Msg): string | undefined {
  return message.reply || undefined;
}

/** The error that a micro service put into a reply's headers, if any. */
export function serviceErrorOf(reply: Msg): { code: number; message: string } | undefined {
  const message = reply.headers?.get(ERROR_HEADER) ?? "";
  if (message === "") return undefined;
  return { code: Number(reply.headers?.get(ERROR_CODE_HEADER)) || 500, message };
}
