// A NATS micro service as ADR-32 of the NATS architecture specifies it: endpoints in queue groups, and
// replies to `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, which is what `nats micro` reads. The library has one
// too; it counts a request when the handler returns, which for an asynchronous handler is before the reply,
// it measures with the wall clock, and it ends the whole service when NATS refuses one subject. Owned by the
// client; one entry per endpoint.

import { nuid } from "nats";
import type { Logger } from "../lib/log.ts";
import { version } from "../lib/project.ts";
import { tooLargeError } from "./client-errors.ts";
import { type Msg, replyOf } from "./message.ts";
import { byteLength, type Payload, type Published, type PublishOptions } from "./publishing.ts";
import { replyError } from "./reply-error.ts";
import type { Drainable } from "./subscriptions.ts";

const VERBS = ["PING", "INFO", "STATS"] as const;
/** ADR-32's default queue group: of the instances of a service, one receives each request. */
const QUEUE_GROUP = "q";
const NS_PER_MS = 1_000_000;

export interface ServiceAbout {
  /** Shared by all instances: letters, digits, dashes and underscores. */
  readonly name: string;
  readonly description: string;
  /** What distinguishes this instance from others. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One kind of request that a service replies to. */
export interface Endpoint {
  readonly name: string;
  readonly subject: string;
  readonly description: string;
  /** JSON schemas of payloads that are JSON. */
  readonly requestSchema?: object;
  readonly responseSchema?: object;
  /** Absent for ADR-32's default; "" where every instance receives every request. */
  readonly queueGroup?: string;
  /**
   * Returns the reply. An error that it throws is replied as `replyError` does, and logged if callers may not
   * read it.
   */
  readonly handle: (message: Msg) => Payload | Promise<Payload>;
}

export interface Served {
  /** Handles the requests that the server has already sent, then no more. Idempotent. */
  stop(): Promise<void>;
}

/** What a service needs of the client. */
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
   * When the message that is being handled arrived. The library passes on all messages of one read from the
   * socket without a microtask in between, so they have one arrival: the later ones wait while the earlier
   * ones are handled.
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
    // a service of many endpoints on a server of a small max_payload goes without schemas rather than without
    // a reply
    const whole = info(true);
    return byteLength(whole) <= this.#connection.maxPayload ? whole : info(false);
  }
}

/** An endpoint, and what has become of the requests to it. */
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
   * @param processingMs from its arrival to its reply
   * @param problem the error that was replied, if any
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
