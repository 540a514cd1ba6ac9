// The event log: follows the streams of the owned partitions and stores each message in the history, at the
// position that the stream gave it. Every message takes its position, also one that is refused, so positions
// have no gaps; where the stream lost messages, a hole takes the last of their positions. Services that
// follow the same streams store the same rows. Owned by the graph service.
//
//   stream ──▶ reader ──▶ gate (who waits for a reply?) ──▶ history

import { checkEncoded, EventEncoder, formatEventId } from "../../broker/contract.ts";
import { type BrokerClient, type StreamMessage, StreamReader } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { History } from "../history/history.ts";
import { makeBareRow, ROW_KIND } from "../history/row.ts";
import type { Partitions } from "../partitions.ts";
import type { EventStream } from "./event-streams.ts";
import { type Incoming, readDirect, readEvent, refuseStreamHeaders } from "./incoming.ts";
import { holeOf } from "./marks.ts";
import type { StreamStarts } from "./stream-starts.ts";

/** A message of a stream on its way to the history. */
export interface LogEntry extends StreamMessage {
  readonly partition: number;
  /** Undefined for a mark, and for a message that is refused. */
  readonly incoming: Incoming | undefined;
  /** The token of a mark. */
  readonly mark: string | undefined;
}

/** The result of storing an entry. */
export interface Stored {
  readonly ordinal: number;
  readonly id: string;
  /** True if an event with the same message id is stored already: this one takes its position only. */
  readonly isDuplicate: boolean;
  /** Why the event is not sent: NATS takes no message that large. */
  readonly refusal: unknown;
}

/** Decides when entries are stored: at once, or when it is known who waits for a reply. */
export interface Gate {
  /** Stores an entry by `EventLog.store`, now or later, but after those that it received before. */
  admit(entry: LogEntry): void;
  /** Stores the entries of a partition that wait. */
  release(partition: number): void;
}

export interface EventLogOptions {
  readonly client: BrokerClient;
  readonly history: History;
  readonly partitions: Partitions;
  readonly streams: readonly EventStream[];
  readonly starts: StreamStarts;
  readonly log: Logger;
}

export class EventLog {
  readonly #options: EventLogOptions;
  readonly #readers: readonly StreamReader[];
  readonly #encoder = new EventEncoder();
  /** The time in its stream of each partition's newest message. */
  readonly #newestMs = new Map<number, number>();
  #gate: Gate | undefined;
  #paused: (() => Promise<unknown> | undefined) | undefined;
  /** The number of messages that the streams lost before they were read. */
  lost = 0;

  constructor(options: EventLogOptions) {
    const { client, history, streams, log } = options;
    this.#options = options;
    this.#readers = streams.map(
      ({ partition, name }) =>
        new StreamReader({
          ...{ client, stream: name, log },
          from: () => this.#continue(partition, name),
          onMessage: (message) => this.#receive(partition, message),
          paused: () => (history.isBacklogged ? history.flush() : this.#paused?.()),
        }),
    );
  }

  /** Begins. Resolves when everything that the streams held at this time is in the history. */
  async start(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.start()));
    await this.#options.history.flush();
  }

  /**
   * Passes entries through a gate from now on.
   * @param paused returns a promise while the streams should not send more, besides what the disk demands
   */
  attach(gate: Gate, paused: () => Promise<unknown> | undefined): void {
    this.#gate = gate;
    this.#paused = paused;
  }

  /** The name of a partition's stream. */
  streamOf(partition: number): string {
    return this.#options.streams.find((stream) => stream.partition === partition)?.name ?? "";
  }

  /** Why a stream cannot be read at present; undefined while all are read. */
  get trouble(): string | undefined {
    const [found] = this.#readers.flatMap(({ trouble }) => trouble ?? []);
    return found;
  }

  /** The number of times that a stream was read again from the last position that was stored. */
  get restarts(): number {
    return this.#readers.reduce((sum, { restarts }) => sum + Math.max(0, restarts), 0);
  }

  /** The time in its stream of the newest message of a partition, in milliseconds since 1970. */
  newestMs(partition: number): number {
    return this.#newestMs.get(partition) ?? 0;
  }

  /** Stores the next entry of its partition; undefined if its position is taken already. */
  store(entry: LogEntry): Stored | undefined {
    const { history } = this.#options;
    const { partition, sequence, timeMs, incoming } = entry;
    const next = history.nextPosition(partition);
    if (sequence < next.sequence) return undefined;
    if (sequence > next.sequence) this.#storeLoss(partition, sequence);
    this.#newestMs.set(partition, Math.max(timeMs, this.newestMs(partition)));
    const id = formatEventId({ partition, epoch: next.epoch, sequence });
    const hole = entry.mark === undefined ? undefined : holeOf(entry.data);
    if (hole !== undefined) {
      const ordinal = history.appendHole(partition, hole.reason, hole.sinceMs);
      return { ordinal, id, isDuplicate: false, refusal: undefined };
    }
    const first = incoming && this.#firstOf(partition, incoming, timeMs);
    const isDuplicate = first !== undefined;
    let refusal: unknown;
    if (incoming !== undefined && !isDuplicate) {
      try {
        const { kind, name, messageId } = incoming;
        const body = this.#encode(id, incoming, timeMs);
        const ordinal = history.append(partition, { kind, name, timeMs, messageId, body });
        return { ordinal, id, isDuplicate, refusal };
      } catch (error) {
        refusal = error;
      }
    }
    const ordinal = history.append(partition, makeBareRow(ROW_KIND.empty, timeMs, id));
    return { ordinal, id: first ?? id, isDuplicate, refusal };
  }

  /** Stops reading, once everything that was received is stored. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.stop()));
    for (const partition of this.#options.partitions.owned) this.#gate?.release(partition);
  }

  async #continue(partition: number, stream: string): Promise<number> {
    this.#gate?.release(partition);
    return this.#options.starts.resume(partition, stream);
  }

  #receive(partition: number, message: StreamMessage): void {
    const mark = markOf(message.subject);
    const incoming = mark === undefined ? this.#read(message) : undefined;
    const { sequence, timeMs, subject, data, headers } = message;
    const entry = { sequence, timeMs, subject, data, headers, partition, mark, incoming };
    if (this.#gate === undefined) this.store(entry);
    else this.#gate.admit(entry);
  }

  /**
   * Returns what a message says; undefined if it is refused. Its sender was told when its core copy arrived.
   */
  #read(message: StreamMessage): Incoming | undefined {
    const { of } = this.#options.partitions;
    try {
      refuseStreamHeaders(message.headers);
      return isDirect(message.subject) ? readDirect(message, of) : readEvent(message, of);
    } catch {
      return undefined;
    }
  }

  /** Returns the id of the event that was stored before with the same message id. */
  #firstOf(partition: number, { messageId }: Incoming, timeMs: number): string | undefined {
    if (messageId === "") return undefined;
    return this.#options.history.messageIds.find(partition, messageId, timeMs)?.id;
  }

  /** @throws BrokerError PAYLOAD_TOO_LARGE */
  #encode(id: string, { topic, payload }: Incoming, timeMs: number): Uint8Array {
    const body = this.#encoder.encode(id, topic, timeMs, payload);
    checkEncoded(body, this.#options.client.maxPayload);
    return body;
  }

  #storeLoss(partition: number, sequence: number): void {
    const { history, log } = this.#options;
    const { sequence: first } = history.nextPosition(partition);
    this.lost += sequence - first;
    log.error(
      { stream: this.streamOf(partition), first, last: sequence - 1 },
      "the stream no longer holds messages that were not read: readers are told",
    );
    history.skipTo(partition, sequence - 1);
    const sinceMs = this.#newestMs.get(partition) ?? history.lastListeningMs;
    history.appendHole(partition, "late", sinceMs);
  }
}

/** Returns the token of a mark's subject, `part.<p>.mark.<token>`; undefined for other subjects. */
function markOf(subject: string): string | undefined {
  const found = /^part\.\d+\.mark\.(.*)$/.exec(subject);
  return found?.[1];
}

function isDirect(subject: string): boolean {
  return /^(?:part\.\d+\.)?user\./.test(subject);
}
