// A thin client over `nats`: callback subscriptions only (its iterators cost ten times as much CPU a message), a
// status that services can show, errors with codes. One a process; it reconnects for ever and subscribes anew by
// itself. While it is disconnected a publish is refused, never queued: what the library would have queued, it
// throws away on reconnecting, and that would be a silent loss.

import {
  createInbox,
  type MsgHdrs,
  type NatsConnection,
  type Service,
  type ServiceConfig,
  type Status,
  type Subscription,
} from "nats";
import type { Logger } from "../lib/log.ts";
import { requestError, tooLargeError } from "./client-errors.ts";
import { type ConnectOptions, dial } from "./dial.ts";
import { BrokerError } from "./errors.ts";
import { WANTED_MAX_PAYLOAD } from "./limits.ts";
import { type Msg, replyOf } from "./message.ts";
import type { NatsConfig } from "./nats-config.ts";
import { byteLength, type Payload, type Published, Publisher, type PublishOptions } from "./publishing.ts";
import { replyError } from "./reply-error.ts";
import { request } from "./requests.ts";
import { RetriedSubscription } from "./retried-subscription.ts";
import { withSafeReplies } from "./safe-services.ts";
import { ServerLimits } from "./server-limits.ts";
import { closeWithDial } from "./unfinished-dial.ts";

export type { MsgHdrs } from "nats";

const NOTHING = new Uint8Array(0);
/** What every micro service hears, besides its endpoints, begins so. */
const CONTROL = "$SRV.";
const SMALL_MESSAGES =
  "NATS takes small messages only: events that are larger once encoded are refused; raise max_payload";

export interface Subscribed {
  unsubscribe(): void;
}

/** One question that a micro service answers. */
export interface Endpoint {
  readonly name: string;
  readonly subject: string;
  readonly handle: (message: Msg) => void;
}

export interface Served {
  /** Answers what has arrived, then no more. */
  stop(): Promise<void>;
}

export class BrokerClient {
  readonly #nats: NatsConnection;
  /** The same, for micro services. */
  readonly #natsOfServices: NatsConnection;
  readonly #log: Logger;
  readonly #limits: ServerLimits;
  readonly #publisher: Publisher;
  readonly #listeners = new Set<(connected: boolean) => void>();
  readonly #kept = new Set<RetriedSubscription>();
  readonly #grantListeners = new Set<() => void>();
  #connected = true;
  reconnects = 0;

  private constructor(nats: NatsConnection, log: Logger, isService: boolean) {
    this.#nats = nats;
    this.#natsOfServices = withSafeReplies(nats, (message, payload, headers) =>
      this.respond(message, payload, headers),
    );
    this.#log = log;
    this.#limits = new ServerLimits(nats, (maxPayload) => {
      // a command's own messages succeed or fail: it needs no warning
      if (isService) log.warn({ maxPayload, wanted: WANTED_MAX_PAYLOAD }, SMALL_MESSAGES);
    });
    this.#publisher = new Publisher(nats, () => this.#connected);
    void this.#watchStatus();
  }

  /** @throws BrokerError NATS_UNREACHABLE (without `wait`, or when the credentials are refused), BAD_NATS_URL */
  static async connect(config: NatsConfig, options: ConnectOptions): Promise<BrokerClient> {
    return new BrokerClient(await dial(config, options), options.log, options.wait);
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Publishes that were refused because the connection was down. */
  get refusedPublishes(): number {
    return this.#publisher.refused;
  }

  /** Publishes that the server would not have taken. */
  get unfitPublishes(): number {
    return this.#publisher.unfit;
  }

  /**
   * Bytes of the largest message that the server takes, headers included; while disconnected, that the last
   * one took. It may change at every reconnect, and in between by an INFO that the server sends of its own
   * accord.
   */
  get maxPayload(): number {
    return this.#limits.maxPayload;
  }

  /** Why nothing works with this server; undefined where it does. */
  get unfit(): string | undefined {
    return this.#limits.unfit;
  }

  /** Calls `listener` at every loss and return of the connection. Answers its undoing. */
  onStatus(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Subjects that NATS refuses to bring us at this moment; each is asked for again until it is granted. */
  get refused(): readonly string[] {
    return [...this.#kept].flatMap(({ refused }) => refused ?? []);
  }

  /** Calls `listener` whenever something is granted that was refused: what came in between did not come to us. */
  onGranted(listener: () => void): void {
    this.#grantListeners.add(listener);
  }

  /**
   * Hands a message to the connection; at most once, in the order of the calls. What is not sent is counted.
   * Never throws for the state of the connection or the size of the message.
   */
  publish(subject: string, payload: Payload = NOTHING, options: PublishOptions = {}): Published {
    return this.#publisher.publish(subject, payload, options);
  }

  /**
   * Replies to a request; nothing is sent where its sender does not wait for a reply. A reply that the server
   * does not take is replaced by an error (413) with both sizes.
   */
  respond(message: Msg, payload: Payload = NOTHING, headers?: MsgHdrs): void {
    const reply = replyOf(message);
    if (reply === undefined) return;
    if (this.publish(reply, payload, headers && { headers }) !== "unfit") return;
    replyError(this, reply, tooLargeError("the reply", byteLength(payload), this.maxPayload));
  }

  /**
   * Calls back for every message. It survives reconnects and refusals (`refused` names it meanwhile). A callback must not
   * throw: what does is logged.
   */
  subscribe(subject: string, onMessage: (message: Msg) => void, queue?: string): Subscribed {
    let subscription: Subscription | undefined;
    const open = (): void => {
      subscription?.unsubscribe();
      subscription = this.#nats.subscribe(subject, {
        ...(queue === undefined ? {} : { queue }),
        callback: (error, message) => {
          if (error !== null) return kept.refuse(subject, error.message);
          try {
            onMessage(message);
          } catch (thrown) {
            this.#log.error({ subject, err: thrown }, "message handler failed");
          }
        },
      });
    };
    const kept = this.#keep(open, (refused) => refused === subject);
    open();
    return {
      unsubscribe: () => {
        this.#drop(kept);
        subscription?.unsubscribe();
      },
    };
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

  /**
   * One request, one reply. Where a JetStream stream captures one of Encke's subjects, its acknowledgement is
   * not that reply.
   * @throws BrokerError NO_RESPONDERS, REQUEST_TIMEOUT, ONLY_STREAM_REPLIED, NATS_DISCONNECTED or
   * PAYLOAD_TOO_LARGE
   */
  async request(subject: string, payload: Payload, timeoutMs: number): Promise<Msg> {
    if (!this.#connected) throw requestError(subject);
    return request(this.#nats, subject, payload, { timeoutMs, maxPayload: this.maxPayload });
  }

  /** A subject under which only this client receives; append `.` and one token of your own. */
  newInbox(): string {
    return createInbox();
  }

  /**
   * Answers as a NATS micro service (`nats micro ls` shows it). While one of its subjects is refused it answers on none
   * (`refused` names it), and begins anew when it may.
   */
  async addService(config: ServiceConfig, endpoints: readonly Endpoint[]): Promise<Served> {
    let service: Service | undefined;
    const subjects = new Set(endpoints.map(({ subject }) => subject));
    const open = async (): Promise<void> => {
      await service?.stop();
      service = await this.#natsOfServices.services.add(config);
      for (const { name, subject, handle } of endpoints)
        service.addEndpoint(name, { subject, handler: (_, message) => handle(message) });
    };
    const isOwn = (subject: string): boolean => subjects.has(subject) || subject.startsWith(CONTROL);
    const kept = this.#keep(open, isOwn);
    await open();
    return {
      stop: async () => {
        this.#drop(kept);
        await service?.stop();
      },
    };
  }

  /** Sends what is left and closes. Idempotent. */
  async close(): Promise<void> {
    if (this.#nats.isClosed()) return;
    if (this.#connected) await this.#nats.flush().catch(() => {}); // nothing more can be sent: closing anyway
    await closeWithDial(this.#nats);
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.#nats.status()) {
      if (status.type === "disconnect") this.#become(false);
      else if (status.type === "reconnect") this.#become(true);
      else if (status.type === "error") this.#hearError(status);
    }
    this.#become(false);
  }

  #keep(open: () => void | Promise<void>, hears: (subject: string) => boolean): RetriedSubscription {
    const onGranted = (): void => {
      for (const listener of this.#grantListeners) listener();
    };
    const kept = new RetriedSubscription({
      log: this.#log,
      open,
      flush: () => this.#nats.flush(),
      hears,
      onGranted,
    });
    this.#kept.add(kept);
    return kept;
  }

  #drop(kept: RetriedSubscription): void {
    kept.end();
    this.#kept.delete(kept);
  }

  #hearError({ data, permissionContext }: Status): void {
    this.#log.warn({ reason: data, subject: permissionContext?.subject }, "NATS error");
    if (permissionContext?.operation !== "subscription") return;
    for (const kept of this.#kept) kept.refuse(permissionContext.subject, String(data));
  }

  #become(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    if (connected) {
      this.reconnects += 1;
      this.#limits.read();
    }
    this.#log.warn(connected ? "NATS is back" : "NATS connection lost");
    for (const listener of this.#listeners) listener(connected);
  }
}
