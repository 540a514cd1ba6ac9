// The NATS client of a process: a thin layer over `nats` with callback subscriptions only (the library's
// iterators cost ten times as much CPU per message), a status that services can show, and errors with codes.
// It reconnects until it is closed, and then restores its subscriptions.
//
// Each part is one concept: dial.ts opens the connection, publishing.ts publishes, subscriptions.ts
// subscribes, requests.ts sends requests, and service.ts handles them. Each part uses the library's
// connection and owns its own state.

import { createInbox, type MsgHdrs, type NatsConnection, type Status } from "nats";
import type { Logger } from "../lib/log.ts";
import { requestError, tooLargeError } from "./client-errors.ts";
import { type ConnectOptions, dial } from "./dial.ts";
import { BrokerError } from "./errors.ts";
import { JetStream } from "./jetstream/jetstream.ts";
import { WANTED_MAX_PAYLOAD } from "./limits.ts";
import { type Msg, replyOf } from "./message.ts";
import type { NatsConfig } from "./nats-config.ts";
import { Outage } from "./outage.ts";
import { byteLength, type Payload, type Published, Publisher, type PublishOptions } from "./publishing.ts";
import { ReadPacer } from "./read-pacer.ts";
import { replyError } from "./reply-error.ts";
import { request } from "./requests.ts";
import { type ServerAbout, ServerLimits } from "./server-limits.ts";
import { ServerWatch } from "./server-watch.ts";
import { type Endpoint, MicroService, type Served, type ServiceAbout } from "./service.ts";
import { type Drainable, type Subscribed, Subscriptions } from "./subscriptions.ts";
import { closeWithDial } from "./unfinished-dial.ts";

export type { MsgHdrs } from "nats";

const NOTHING = new Uint8Array(0);
const SMALL_MESSAGES =
  "the NATS server takes small messages only, so larger events are refused: raise max_payload";

export class BrokerClient {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #limits: ServerLimits;
  readonly #publisher: Publisher;
  readonly #subscriptions: Subscriptions;
  /** Undefined for a command, whose connection is busy only for a short time. */
  readonly #pacer: ReadPacer | undefined;
  /** Undefined for a command as well: it waits as long as its requests may take. */
  readonly #watch: ServerWatch | undefined;
  readonly #statusListeners = new Set<(connected: boolean) => void>();
  /** The streams of the account. */
  readonly jetStream: JetStream;
  #connected = true;
  /** The last time without a server. */
  readonly outage: Outage = new Outage();
  #closing: Promise<void> | undefined;
  reconnects = 0;
  /** Connections that were given up because the server was silent. Only services give any up. */
  silences = 0;

  private constructor(nats: NatsConnection, log: Logger, isService: boolean) {
    this.#nats = nats;
    this.#log = log;
    this.#limits = new ServerLimits(nats, (maxPayload) => {
      // a command reports whether its own message was sent, so it needs no warning
      if (isService) log.warn({ maxPayload, wanted: WANTED_MAX_PAYLOAD }, SMALL_MESSAGES);
    });
    this.#publisher = new Publisher(nats, () => this.#connected);
    this.#subscriptions = new Subscriptions(nats, log);
    this.jetStream = new JetStream(nats);
    this.#pacer = isService ? new ReadPacer() : undefined;
    this.#pacer?.pace(nats);
    this.#watch = isService ? new ServerWatch(nats, () => this.#noteSilence()) : undefined;
    void this.#watchStatus();
  }

  /**
   * @throws BrokerError NATS_UNREACHABLE (without `wait`, or when the credentials are refused), BAD_NATS_URL
   */
  static async connect(config: NatsConfig, options: ConnectOptions): Promise<BrokerClient> {
    return new BrokerClient(await dial(config, options), options.log, options.wait);
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Messages that were not sent because the connection was down. */
  get refusedPublishes(): number {
    return this.#publisher.refused;
  }

  /** Messages that were not sent because the server would have rejected them. */
  get unfitPublishes(): number {
    return this.#publisher.unfit;
  }

  /**
   * The server's maximum for one message in bytes, including headers. While disconnected, the maximum of the
   * last server. It may change at every reconnect, and whenever the server sends another INFO.
   */
  get maxPayload(): number {
    return this.#limits.maxPayload;
  }

  /** The server of the present connection, or of the last one. */
  get server(): ServerAbout {
    return this.#limits.server;
  }

  /** Why Encke cannot work with this server, or undefined if it can. */
  get unfit(): string | undefined {
    return this.#limits.unfit;
  }

  /** Subjects whose subscription NATS currently refuses. Each is retried until NATS grants it. */
  get refused(): readonly string[] {
    return this.#subscriptions.refused;
  }

  /** Calls `listener` whenever the connection is lost or restored. Returns a function that removes it. */
  onStatus(listener: (connected: boolean) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /** Calls `listener` whenever NATS grants a subject that it had refused. Messages from before are lost. */
  onGranted(listener: () => void): void {
    this.#subscriptions.onGranted(listener);
  }

  /**
   * Hands a message to the connection: at most once, in the order of the calls. Messages that are not sent
   * are counted. Never throws because of the connection's state or the message's size.
   */
  publish(subject: string, payload: Payload = NOTHING, options: PublishOptions = {}): Published {
    return this.#publisher.publish(subject, payload, options);
  }

  /**
   * Replies to a request, if its sender expects a reply. A reply that exceeds the server's maximum is
   * replaced by error 413 with both sizes.
   */
  respond(message: Msg, payload: Payload = NOTHING, headers?: MsgHdrs): void {
    const reply = replyOf(message);
    if (reply === undefined) return;
    if (this.publish(reply, payload, headers && { headers }) !== "unfit") return;
    replyError(this, reply, tooLargeError("the reply", byteLength(payload), this.maxPayload));
  }

  /**
   * Calls `onMessage` for every message until the subscription ends. The subscription survives reconnects and
   * refusals (see `refused`). The callback must not throw; an error that it throws is logged.
   */
  subscribe(subject: string, onMessage: (message: Msg) => void, queue?: string): Drainable {
    return this.#subscriptions.subscribe(subject, onMessage, queue);
  }

  /**
   * Subscribes without a closure, a wrapper or retries, for callers with very many literal subjects and one
   * callback. The callback must not throw.
   */
  subscribeBare(subject: string, callback: (error: Error | null, message: Msg) => void): Subscribed {
    return this.#nats.subscribe(subject, { callback });
  }

  /** Resolves when the server has processed everything sent so far. @throws BrokerError NATS_DISCONNECTED */
  async flush(): Promise<void> {
    try {
      await this.#nats.flush();
    } catch (cause) {
      throw new BrokerError(
        "NATS_DISCONNECTED",
        "the connection to NATS was lost and is being restored: try again",
        { cause },
      );
    }
  }

  /**
   * Sends one request and returns its reply. If a JetStream stream captures one of Encke's subjects, the
   * stream's acknowledgement is ignored.
   * @throws BrokerError NO_RESPONDERS, REQUEST_TIMEOUT, ONLY_STREAM_REPLIED, NATS_DISCONNECTED or
   * PAYLOAD_TOO_LARGE
   */
  async request(
    subject: string,
    payload: Payload,
    timeoutMs: number,
    headers?: MsgHdrs | undefined,
  ): Promise<Msg> {
    if (!this.#connected) throw requestError(subject);
    const options = { timeoutMs, maxPayload: this.maxPayload, ...(headers && { headers }) };
    return request(this.#nats, subject, payload, options);
  }

  /** Returns a subject that no other client uses. The caller may append `.` and one token. */
  newInbox(): string {
    return createInbox();
  }

  /**
   * Serves endpoints as a NATS micro service until `stop`, visible to `nats micro ls`, `info` and `stats`.
   */
  addService(about: ServiceAbout, endpoints: readonly Endpoint[]): Served {
    const service = new MicroService(this, this.#log, about, endpoints);
    service.start();
    return service;
  }

  /** Sends what is queued and closes the connection. Idempotent: every call resolves when it is closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#watch?.stop();
    if (this.#connected) await this.#nats.flush().catch(() => {}); // nothing more can be sent
    await closeWithDial(this.#nats);
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.#nats.status()) {
      if (status.type === "disconnect") {
        this.outage.lost();
        this.#setConnected(false);
      } else if (status.type === "reconnecting") this.outage.tried();
      else if (status.type === "reconnect") this.#setConnected(true);
      else if (status.type === "error") this.#noteError(status);
    }
    this.#setConnected(false);
  }

  #noteSilence(): void {
    this.silences += 1;
    this.#log.warn("the NATS server is silent: giving it up");
  }

  #noteError({ data, permissionContext }: Status): void {
    this.#log.warn({ reason: data, subject: permissionContext?.subject }, "NATS error");
    if (permissionContext?.operation === "subscription")
      this.#subscriptions.noteRefusal(permissionContext.subject, String(data));
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    if (connected) {
      this.reconnects += 1;
      this.#limits.read();
      this.#pacer?.pace(this.#nats);
    }
    this.#log.warn(connected ? "reconnected to NATS" : "NATS connection lost");
    for (const listener of this.#statusListeners) listener(connected);
  }
}
