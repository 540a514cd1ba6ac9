// JetStream as this project uses it: streams are found, created, read by sequence, and followed through
// consumers. Each call is one request of the library's manager, and every failure becomes an error of ours.
// Owned by the client; stateless.

import {
  AckPolicy,
  DeliverPolicy,
  ErrorCode,
  type JetStreamManager,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
  nanos,
  headers as newHeaders,
  ReplayPolicy,
  type StreamInfo,
} from "nats";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { BrokerError } from "../errors.ts";
import { encodeConfig, type StreamConfig } from "./stream-config.ts";

/** While a stream has no leader, requests about it are dropped: it is better to repeat them soon. */
const TIMEOUT_MS = 2_000;
/** A cluster chooses servers for a new stream, and elects its leader, before it replies. */
const CREATE_TIMEOUT_MS = 10_000;
/** A consumer whose reader is gone is removed after this time. */
const ABANDONED_AFTER_MS = 30_000;

/** nats-server's error codes for what does not exist (server/errors.json). */
const ABSENT = { stream: 10_059, message: 10_037, consumer: 10_014 } as const;
/**
 * The last sequence is not the expected one. The second code (from 2.11 on) also refuses correct expectations
 * while other messages are being stored (nats-server #7281).
 */
const NOT_LAST: ReadonlySet<number> = new Set([10_071, 10_164]);
/** JetStream is not enabled in the server, or not for the account. */
const DISABLED: ReadonlySet<number> = new Set([10_076, 10_039]);

export interface StreamState {
  /** The configuration that is in force, in the API's form. */
  readonly config: Readonly<Record<string, unknown>>;
  /** When the stream was created, in milliseconds since 1970. */
  readonly createdMs: number;
  /** The sequence of the oldest message that is kept; one after `last` if none is. */
  readonly first: number;
  /** The sequence of the newest message; 0 if there never was one. */
  readonly last: number;
  readonly bytes: number;
  readonly messages: number;
  /** The time of the oldest message that is kept, in milliseconds since 1970; undefined if none is. */
  readonly oldestMs: number | undefined;
  /** The name of the server that leads the stream; undefined while none does, or outside of a cluster. */
  readonly leader: string | undefined;
}

export interface StoredMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/** What the account may store. */
export interface AccountStorage {
  /** Maximum for file storage, in bytes; infinite if the account has no limit. */
  readonly maxBytes: number;
  readonly usedBytes: number;
}

export class JetStream {
  readonly #nats: NatsConnection;
  readonly #managers = new Map<number, Promise<JetStreamManager>>();

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  /** @throws BrokerError NO_JETSTREAM, JETSTREAM_UNAVAILABLE */
  account(): Promise<AccountStorage> {
    return this.#ask("the account's limits", async (manager) => {
      const { limits, storage } = await manager.getAccountInfo();
      const maxBytes = limits.max_storage < 0 ? Number.POSITIVE_INFINITY : limits.max_storage;
      return { maxBytes, usedBytes: storage };
    });
  }

  /**
   * Returns the state of a stream, or undefined if it does not exist.
   * @throws BrokerError NO_JETSTREAM, JETSTREAM_UNAVAILABLE
   */
  find(name: string): Promise<StreamState | undefined> {
    return this.#askFor(ABSENT.stream, `the stream ${name}`, async (manager) =>
      stateOf(await manager.streams.info(name)),
    );
  }

  /** @throws BrokerError STREAM_REFUSED, NO_JETSTREAM, JETSTREAM_UNAVAILABLE */
  create(config: StreamConfig): Promise<StreamState> {
    const create = async ({ streams }: JetStreamManager): Promise<StreamState> =>
      stateOf(await streams.add(encodeConfig(config)));
    return this.#ask(`creating the stream ${config.name}`, create, CREATE_TIMEOUT_MS);
  }

  /** Deletes a stream and everything that it stores. */
  async delete(name: string): Promise<void> {
    await this.#ask(`deleting the stream ${name}`, (manager) => manager.streams.delete(name));
  }

  /**
   * Returns the message with a sequence, or undefined if it is not stored (any more).
   * @throws BrokerError NO_JETSTREAM, JETSTREAM_UNAVAILABLE
   */
  message(stream: string, sequence: number): Promise<StoredMessage | undefined> {
    return this.#askFor(ABSENT.message, `message ${sequence} of the stream ${stream}`, async (manager) => {
      const { subject, data, header } = await manager.streams.getMessage(stream, { seq: sequence });
      return { subject, data, headers: header };
    });
  }

  /**
   * Appends a message to a stream whose last sequence is `after`. Returns its sequence, or undefined if the
   * stream refused it because of another last sequence, which may be wrong: read the stream.
   * @throws BrokerError STREAM_REFUSED, NO_JETSTREAM or JETSTREAM_UNAVAILABLE: it may have been stored
   */
  async append(message: AppendedMessage): Promise<number | undefined> {
    const { stream, subject, data, after, timeoutMs } = message;
    const what = `message ${after + 1} of the stream ${stream}`;
    const headers = newHeaders();
    headers.set("Nats-Expected-Stream", stream);
    headers.set("Nats-Expected-Last-Sequence", String(after));
    let reply: PublishReply;
    try {
      reply = (await this.#nats.request(subject, data, { timeout: timeoutMs, headers })).json();
    } catch (cause) {
      throw unavailable(what, messageOf(cause), cause);
    }
    const { seq, error } = reply;
    if (seq !== undefined && error === undefined) return seq;
    if (NOT_LAST.has(error?.err_code ?? 0)) return undefined;
    const reason = `${error?.description ?? "an unknown reply"} (error ${error?.err_code})`;
    if (error?.code === 503) throw unavailable(what, reason);
    throw new BrokerError("STREAM_REFUSED", `NATS refused ${what}: ${reason}`);
  }

  /**
   * Creates a consumer that pushes every message from a sequence on, in order, with flow control and
   * heartbeats. Returns the number of messages that already wait.
   * @throws BrokerError STREAM_REFUSED, NO_JETSTREAM, JETSTREAM_UNAVAILABLE
   */
  push(
    stream: string,
    { name, subject, from, heartbeatMs }: PushedConsumer,
  ): Promise<{ readonly waiting: number }> {
    return this.#ask(`reading the stream ${stream}`, async (manager) => {
      const { num_pending } = await manager.consumers.add(stream, {
        name,
        deliver_subject: subject,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
        ack_policy: AckPolicy.None,
        replay_policy: ReplayPolicy.Instant,
        flow_control: true,
        idle_heartbeat: nanos(heartbeatMs),
        inactive_threshold: nanos(ABANDONED_AFTER_MS),
        mem_storage: true,
        num_replicas: 1,
      });
      return { waiting: num_pending };
    });
  }

  /** Returns how many messages a consumer has not delivered; undefined if it does not exist. */
  waitingAt(stream: string, consumer: string): Promise<number | undefined> {
    return this.#askFor(ABSENT.consumer, `the consumer of the stream ${stream}`, async (manager) => {
      const { num_pending } = await manager.consumers.info(stream, consumer);
      return num_pending;
    });
  }

  /** Removes a consumer. One that is already gone is no error. */
  async stopPushing(stream: string, consumer: string): Promise<void> {
    await this.#askFor(ABSENT.consumer, `the consumer of the stream ${stream}`, (manager) =>
      manager.consumers.delete(stream, consumer),
    );
  }

  async #ask<T>(
    what: string,
    ask: (manager: JetStreamManager) => Promise<T>,
    timeout: number = TIMEOUT_MS,
  ): Promise<T> {
    try {
      return await ask(await this.#managerWith(timeout));
    } catch (cause) {
      throw jetStreamError(what, cause);
    }
  }

  /** A manager has one timeout for all its requests. */
  #managerWith(timeout: number): Promise<JetStreamManager> {
    const known = this.#managers.get(timeout);
    if (known !== undefined) return known;
    const made = this.#nats.jetstreamManager({ checkAPI: false, timeout });
    this.#managers.set(timeout, made);
    return made;
  }

  /** Asks for something that may not exist: returns undefined if JetStream reports this error code. */
  async #askFor<T>(
    absent: number,
    what: string,
    ask: (manager: JetStreamManager) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await this.#ask(what, ask);
    } catch (error) {
      if (error instanceof BrokerError && apiErrorOf(error.cause)?.err_code === absent) return undefined;
      throw error;
    }
  }
}

/** A message to be appended. */
export interface AppendedMessage {
  readonly stream: string;
  readonly subject: string;
  readonly data: Uint8Array;
  /** The sequence that the stream's last message must have. */
  readonly after: number;
  readonly timeoutMs: number;
}

/** JetStream's reply to a publish. */
interface PublishReply {
  readonly seq?: number;
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

/** A consumer as it is asked for. */
export interface PushedConsumer {
  readonly name: string;
  /** Where messages and heartbeats are sent. */
  readonly subject: string;
  /** The sequence of the first message. */
  readonly from: number;
  readonly heartbeatMs: number;
}

function stateOf({ config, created, state, cluster }: StreamInfo): StreamState {
  const { first_seq, last_seq, first_ts, bytes, messages } = state;
  return {
    config: config as unknown as Readonly<Record<string, unknown>>,
    createdMs: Date.parse(created),
    first: Math.max(1, first_seq),
    last: last_seq,
    bytes,
    messages,
    oldestMs: messages === 0 ? undefined : Date.parse(first_ts as unknown as string),
    leader: cluster?.leader || undefined,
  };
}

function apiErrorOf(cause: unknown): NatsError["api_error"] {
  return cause instanceof NatsError ? cause.api_error : undefined;
}

function jetStreamError(what: string, cause: unknown): BrokerError {
  const api = apiErrorOf(cause);
  if (codeOf(cause) === ErrorCode.NoResponders || DISABLED.has(api?.err_code ?? 0))
    return new BrokerError(
      "NO_JETSTREAM",
      "the NATS server has no JetStream: enable it (`jetstream` in its configuration, and for the account), or use --intake core",
      { cause },
    );
  if (codeOf(cause) === ErrorCode.PermissionsViolation)
    return new BrokerError(
      "JETSTREAM_DENIED",
      `${what}: NATS does not permit this user to ask JetStream: permit it to publish $JS.API.> and $JS.FC.> (docs/operations.md)`,
      { cause },
    );
  if (api !== undefined && api.code !== 503)
    return new BrokerError(
      "STREAM_REFUSED",
      `NATS refused ${what}: ${quote(api.description)} (error ${api.err_code})`,
      { cause },
    );
  return unavailable(what, api?.description ?? messageOf(cause), cause);
}

function unavailable(what: string, reason: string, cause?: unknown): BrokerError {
  const message = `${what}: no reply from JetStream (${reason}): try again`;
  return new BrokerError("JETSTREAM_UNAVAILABLE", message, { cause });
}
