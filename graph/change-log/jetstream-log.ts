// A change log in JetStream: one acknowledged stream per partition, whose only subject is written by the
// service that leads the partition. Appends compare the sequence of the whole stream: a comparison per
// subject has let two writers win in a cluster (nats-server #4320). Owned by the service; stateless apart
// from its name.

import { setTimeout as delay } from "node:timers/promises";
import { changesSubject, type Share } from "../../broker/contract.ts";
import { type BrokerClient, differencesOf, type StreamConfig, type StreamState } from "../../broker/index.ts";
import { Backoff } from "../../lib/backoff.ts";
import { codeOf, messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { GraphError } from "../errors.ts";
import {
  type Appended,
  type LoggedRecord,
  type LogState,
  type PartitionLog,
  unavailable,
} from "./partition-log.ts";
import { readRecordId } from "./record.ts";
import { readStream } from "./stream-batches.ts";

/** An append is given up after this time: a change of who leads a stream takes longer, and callers wait. */
const APPEND_MS = 3_000;
/** An attempt without a reply is followed by a look at the stream. */
const ATTEMPT_MS = 1_500;
const LOOK_MS = 1_500;
const AGAIN_MS = { min: 5, max: 200 };
/** JetStream refuses a stream without a window for message ids, which records do not have. */
const DUPLICATE_WINDOW_MS = 60_000;
const UNLIMITED = -1;
/** What a message needs besides its payload. */
const HEADERS_BYTES = 512;
/** Without these, records would not be acknowledged, or would be removed, or never arrive. */
const VITAL_FIELDS: ReadonlySet<string> = new Set(["subjects", "retention", "storage", "no_ack", "max_age"]);

interface JetStreamLogOptions {
  readonly client: BrokerClient;
  readonly partition: number;
  /** The number of partitions. */
  readonly of: number;
  readonly replicas: number;
  readonly log: Logger;
}

class JetStreamLog implements PartitionLog {
  readonly partition: number;
  readonly name: string;
  readonly #client: BrokerClient;
  readonly #config: StreamConfig;
  readonly #subject: string;
  readonly #log: Logger;

  constructor({ client, partition, of, replicas, log }: JetStreamLogOptions) {
    this.partition = partition;
    this.name = of === 1 ? "ENCKE_CHANGES" : `ENCKE_CHANGES_${partition}`;
    this.#client = client;
    this.#subject = changesSubject(partition);
    this.#log = log;
    this.#config = {
      ...{ name: this.name, subjects: [this.#subject], replicas, maxBytes: UNLIMITED, maxAgeMs: 0 },
      ...{ duplicateWindowMs: DUPLICATE_WINDOW_MS, acknowledges: true, canDelete: false },
    };
  }

  get maxRecordBytes(): number {
    return this.#client.maxPayload - HEADERS_BYTES;
  }

  async find(): Promise<LogState | undefined> {
    const state = await this.#ask(() => this.#client.jetStream.find(this.name));
    if (state !== undefined) this.#check(state);
    return state;
  }

  async create(): Promise<LogState> {
    const state = await this.#ask(() => this.#client.jetStream.create(this.#config));
    this.#check(state);
    return state;
  }

  /** @throws GraphError GRAPH_LOG_REFUSED if records would not be safe in the stream */
  #check({ config }: StreamState): void {
    const differences = differencesOf(this.#config, config);
    const vital = differences.find(({ field }) => VITAL_FIELDS.has(field));
    if (vital !== undefined) {
      const { field, wanted, found } = vital;
      throw new GraphError(
        "GRAPH_LOG_REFUSED",
        `the stream ${this.name} has ${field} ${JSON.stringify(found)} and needs ${JSON.stringify(wanted)}: correct it with \`nats stream edit\``,
      );
    }
    for (const difference of differences)
      this.#log.warn({ stream: this.name, ...difference }, "the stream is not configured as Encke would");
  }

  async append(record: Uint8Array, id: string, after: number): Promise<Appended> {
    const message = { stream: this.name, subject: this.#subject, data: record, after, timeoutMs: ATTEMPT_MS };
    const giveUpAt = performance.now() + APPEND_MS;
    const backoff = new Backoff(AGAIN_MS.min, AGAIN_MS.max);
    for (;;) {
      let reason = "it expects another last sequence";
      try {
        if ((await this.#client.jetStream.append(message)) !== undefined) return { outcome: "stored" };
      } catch (error) {
        reason = messageOf(error);
      }
      // neither a refusal nor silence says what happened: only the message at that place does
      try {
        const found = await Promise.race([this.idOf(after + 1), givenUp(LOOK_MS)]);
        if (found !== undefined) return { outcome: found === id ? "stored" : "behind" };
      } catch (error) {
        reason = messageOf(error);
      }
      if (performance.now() > giveUpAt) return { outcome: "unknown", reason };
      await delay(backoff.nextMs());
    }
  }

  async idOf(sequence: number): Promise<string | undefined> {
    const message = await this.#ask(() => this.#client.jetStream.message(this.name, sequence));
    return message && readRecordId(message.data);
  }

  async *read(after: number, last: number): AsyncGenerator<readonly LoggedRecord[]> {
    yield* readStream({ client: this.#client, stream: this.name, log: this.#log }, after, last);
  }

  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      if (codeOf(cause) !== "JETSTREAM_UNAVAILABLE") throw cause; // trying again does not change it
      throw unavailable(this.name, messageOf(cause), cause);
    }
  }
}

/** Returns the logs of partitions. */
export function jetStreamLogs(
  { owned, of }: Share,
  options: Omit<JetStreamLogOptions, "partition" | "of">,
): readonly PartitionLog[] {
  return owned.map((partition) => new JetStreamLog({ ...options, partition, of }));
}

async function givenUp(ms: number): Promise<never> {
  await delay(ms, undefined, { ref: false });
  throw new Error("no reply in time");
}
