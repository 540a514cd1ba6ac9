// A NATS micro service as specified by ADR-32 of the NATS architecture: endpoints in queue groups, and
// replies to `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, which `nats micro` sends. The library's
// implementation is not used: it counts a request when the handler returns, which for an asynchronous handler
// is before the reply; it measures with the wall clock; and it ends the whole service when NATS refuses one
// subject. Owned by the client; one entry per endpoint.

import { nuid } from "nats";
import type { Logger } from "../lib/log.ts";
import { version } from "../lib/project.ts";
import { tooLargeError } from "./client-errors.ts";
import { type Msg, replyOf } from "./message.ts";
import { byteLength, type Payload, type Published, type PublishOptions } from "./publishing.ts";
import { replyError } from "./reply-error.ts";
import type { Drainable } from "./subscriptions.ts";

const VERBS = ["PING", "INFO", "STATS"] as const;
/** The default queue group of ADR-32: one of a service's instances receives each request. */
const QUEUE_GROUP = "q";
const NS_PER_MS = 1_000_000;

export interface ServiceAbout {
  /** The same for all instances: letters, digits, dashes and underscores. */
  readonly name: string;
  readonly description: string;
  /** Distinguishes this instance from others. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One kind of request that a service handles. */
export interface Endpoint {
  readonly name: string;
  readonly subject: string;
  readonly description: string;
  /** JSON schemas of payloads in JSON. */
  readonly requestSchema?: object;
  readonly responseSchema?: object;
  /** ADR-32's default if absent; "" if every instance receives every request. */
  readonly queueGroup?: string;
  /**
   * Returns the reply. If it throws, the caller receives what `replyError` discloses of the error; an error
   * that callers may not read is logged.
   */
  readonly handle: (message: Msg) => Payload | Promise<Payload>;
}

export interface Served {
  /** Handles the requests that the server has already sent, and then stops. Idempotent. */
  stop(): Promise<void>;
}

/** The part of the client that a service uses. */
interface Connection {
  readonly maxPayload: number;
  publish(subject: string, payload?: Payload, options?: PublishOptions): Published;
  respond(message: Msg, payload: Payload): void;
  subscribe(subject: string, onMessage: (message: Msg) => void, queue?: string): Drainable;
}

export class MicroService implements Served {
  readonly #connection: Connection;
  readonly #log: Logger;
  readonly #about: ServiceAbout;
  readonly #endpoints: readonly ServedEndpoint[];
  readonly #id = nuid.next();
  readonly #started = new Date().toISOString();
  #subscriptions: Drainable[] = [];
  #arrivedMs: number | undefined;

  constructor(connection: Connection, log: Logger, about: ServiceAbout, endpoints: readonly Endpoint[]) {
    this.#connection = connection;
    this.#log = log;
    this.#about = about;
    this.#endpoints = endpoints.map((endpoint) => new ServedEndpoint(endpoint));
  }

  start(): void {
    const { name } = this.#about;
    for (const verb of VERBS)
      for (const scope of ["", `.${name}`, `.${name}.${this.#id}`])
        this.#subscribe(`$SRV.${verb}${scope}`, (message) =>
          this.#connection.respond(message, this.#describe(verb)),
        );
    for (const endpoint of this.#endpoints)
      this.#subscribe(
        endpoint.subject,
        (message) => void this.#handle(endpoint, message),
        endpoint.queueGroup,
      );
  }

  async stop(): Promise<void> {
    const subscriptions = this.#subscriptions;
    this.#subscriptions = [];
    await Promise.all(subscriptions.map((subscription) => subscription.drain()));
  }

  #subscribe(subject: string, onMessage: (message: Msg) => void, queue = ""): void {
    this.#subscriptions.push(
      this.#connection.subscribe(subject, onMessage, queue === "" ? undefined : queue),
    );
  }

  async #handle(endpoint: ServedEndpoint, message: Msg): Promise<void> {
    const arrivedMs = this.#arrival();
    const reply = replyOf(message);
    let problem: string | undefined;
    try {
      const payload = await endpoint.handle(message);
      if (reply !== undefined && this.#connection.publish(reply, payload) === "unfit")
        throw tooLargeError("the reply", byteLength(payload), this.#connection.maxPayload);
    } catch (error) {
      const { text, shown } = replyError(this.#connection, reply, error);
      if (!shown) this.#log.error({ subject: message.subject, err: error }, "request failed");
      problem = text;
    }
    endpoint.count(performance.now() - arrivedMs, problem);
  }

  /**
   * Returns the arrival time of the current message. The library delivers all messages of one read from the
   * socket without a microtask in between, so they share one arrival time: later ones wait while earlier ones
   * are handled.
   */
  #arrival(): number {
    if (this.#arrivedMs === undefined) {
      this.#arrivedMs = performance.now();
      queueMicrotask(() => {
        this.#arrivedMs = undefined;
      });
    }
    return this.#arrivedMs;
  }

  #describe(verb: (typeof VERBS)[number]): string {
    const { name, description, metadata = {} } = this.#about;
    const identity = { name, id: this.#id, version, metadata };
    if (verb === "PING") return reply("ping", identity);
    if (verb === "STATS") {
      const endpoints = this.#endpoints.map((endpoint) => endpoint.stats);
      return reply("stats", { ...identity, started: this.#started, endpoints });
    }
    const info = (withSchemas: boolean): string => {
      const endpoints = this.#endpoints.map((endpoint) => endpoint.info(withSchemas));
      return reply("info", { ...identity, description, endpoints });
    };
    // with many endpoints and a small max_payload, a reply without schemas is better than an error
    const whole = info(true);
    return byteLength(whole) <= this.#connection.maxPayload ? whole : info(false);
  }
}

/** An endpoint and the statistics of its requests. */
class ServedEndpoint {
  readonly #endpoint: Endpoint;
  readonly queueGroup: string;
  #requests = 0;
  #errors = 0;
  #lastError = "";
  #processingMs = 0;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.queueGroup = endpoint.queueGroup ?? QUEUE_GROUP;
  }

  get subject(): string {
    return this.#endpoint.subject;
  }

  handle(message: Msg): Payload | Promise<Payload> {
    return this.#endpoint.handle(message);
  }

  /**
   * Counts a request.
   * @param processingMs time from its arrival to its reply
   * @param problem text of the error reply, if it was one
   */
  count(processingMs: number, problem: string | undefined): void {
    this.#requests += 1;
    this.#processingMs += processingMs;
    if (problem === undefined) return;
    this.#errors += 1;
    this.#lastError = problem;
  }

  info(withSchemas: boolean): object {
    const { description, requestSchema, responseSchema } = this.#endpoint;
    const metadata = {
      description,
      ...(withSchemas && requestSchema && { request_schema: JSON.stringify(requestSchema) }),
      ...(withSchemas && responseSchema && { response_schema: JSON.stringify(responseSchema) }),
    };
    return { ...this.#address, metadata };
  }

  get stats(): object {
    const processingNs = Math.round(this.#processingMs * NS_PER_MS);
    return {
      ...this.#address,
      num_requests: this.#requests,
      num_errors: this.#errors,
      last_error: this.#lastError,
      processing_time: processingNs,
      average_processing_time: this.#requests === 0 ? 0 : Math.floor(processingNs / this.#requests),
    };
  }

  get #address(): object {
    const { name, subject } = this.#endpoint;
    return { name, subject, queue_group: this.queueGroup };
  }
}

function reply(type: string, body: object): string {
  return JSON.stringify({ type: `io.nats.micro.v1.${type}_response`, ...body });
}
