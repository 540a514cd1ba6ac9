// Receives events and direct messages from producers. Each is checked, assigned a position and appended to
// the history in order of arrival, before anything is sent; fan-out reads it from there. A message that is
// refused is counted, and its sender receives an error if it requested a reply. Owned by the graph service.
// Stores nothing itself; refuses events while the history is full.

import {
  BrokerError,
  checkEncoded,
  checkMessageId,
  checkPayload,
  EventEncoder,
  formatEventId,
  type Topic,
  topicOfEvent,
  userOfSubject,
} from "../../broker/contract.ts";
import { type BrokerClient, MESSAGE_ID_HEADER, type Msg, replyError, replyOf } from "../../broker/index.ts";
import { GraphError } from "../errors.ts";
import type { History } from "../history/history.ts";
import { ROW_KIND, type RowKind } from "../history/row.ts";
import type { Partitions } from "../partitions.ts";
import type { CountedSends } from "./counted-sends.ts";
import type { Losses } from "./losses.ts";

/** The counts in the reply to a duplicate, which is not sent to any reader. */
const NO_DELIVERIES = { recipients: 0, online: 0, delivered: 0, timedOut: 0 };

/** The component that reads appended rows and fans them out. */
export interface FanOutReader {
  /** The ordinal of the oldest row that it still needs. */
  readonly oldestNeeded: number;
  /** The ordinal of the row that it reads next. */
  readonly next: number;
  /** Signals that a row was appended. */
  wake(): void;
}

export interface IntakeOptions {
  readonly client: BrokerClient;
  readonly partitions: Partitions;
  readonly history: History;
  readonly sends: CountedSends;
  readonly reader: FanOutReader;
  readonly losses: Losses;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #encoder = new EventEncoder();
  readonly counts: {
    /** Refused: the subject, payload or message id is malformed or too large. */
    rejected: number;
    /** Refused: the history is full of events whose fan-out has not begun, or the disk is too slow. */
    overloaded: number;
    /** Not stored again: an event with the same message id was accepted within the last two minutes. */
    duplicate: number;
  } = { rejected: 0, overloaded: 0, duplicate: 0 };

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Accepts or refuses one message on `event.<topic>`. */
  receive(message: Msg): void {
    this.#accept(message, () => {
      const topic = topicOfEvent(message.subject, this.#options.partitions.of);
      return this.#append(message, ROW_KIND.event, topic, topic);
    });
  }

  /** Accepts or refuses one message that a producer published on `user.<id>`. */
  receiveDirect(message: Msg): void {
    this.#accept(message, () =>
      this.#append(
        message,
        ROW_KIND.direct,
        userOfSubject(message.subject, this.#options.partitions.of),
        undefined,
      ),
    );
  }

  #accept(message: Msg, append: () => void): void {
    try {
      append();
    } catch (error) {
      if (error instanceof BrokerError) this.counts.rejected += 1;
      else if (error instanceof GraphError) this.counts.overloaded += 1;
      else throw error;
      replyError(this.#options.client, replyOf(message), error);
    }
  }

  /** @throws BrokerError for a malformed or oversized message; GraphError GRAPH_OVERLOADED */
  #append(message: Msg, kind: RowKind, name: Topic, topic: Topic | undefined): void {
    const { client, partitions, history, sends, reader } = this.#options;
    const payload = checkPayload(message.data);
    const messageId = checkMessageId(message.headers?.get(MESSAGE_ID_HEADER) ?? "");
    const first = messageId === "" ? undefined : history.messageIds.find(messageId, performance.now());
    if (first !== undefined) return this.#replyToDuplicate(message, first.id);
    const partition = partitions.partitionOf(name);
    this.#refuseIfOverloaded(message, partition);
    const { epoch, sequence } = history.nextPosition(partition); // spreading it costs more than formatting
    const id = formatEventId({ partition, epoch, sequence });
    const timeMs = Date.now();
    const body = this.#encoder.encode(id, topic, timeMs, payload);
    checkEncoded(body, client.maxPayload);
    const ordinal = history.append(partition, { kind, name, timeMs, messageId, body });
    const reply = topic === undefined ? undefined : replyOf(message);
    if (reply !== undefined) sends.add(ordinal, id, reply);
    reader.wake();
  }

  /** Replies to the sender of a duplicate with the first event's id, once that event is stored. */
  #replyToDuplicate(message: Msg, id: string): void {
    const { client, history } = this.#options;
    this.counts.duplicate += 1;
    const reply = replyOf(message);
    if (reply === undefined) return;
    void history
      .flush()
      .then(() => client.publish(reply, JSON.stringify({ id, ...NO_DELIVERIES, duplicate: true })));
  }

  /**
   * A sender who waits for a reply learns of the refusal. Otherwise the event is lost, and readers are told.
   * @throws GraphError GRAPH_OVERLOADED
   */
  #refuseIfOverloaded(message: Msg, partition: number): void {
    const overload = this.#overload;
    if (overload === undefined) return;
    if (replyOf(message) === undefined) this.#options.losses.note(partition, Date.now());
    throw new GraphError("GRAPH_OVERLOADED", overload);
  }

  /** Why events are refused at present. */
  get #overload(): string | undefined {
    const { history, reader } = this.#options;
    if (history.isBacklogged) return "the disk is too slow to store all events: send fewer per second";
    if (!history.isFull(reader.oldestNeeded)) return undefined;
    return `${history.next - reader.next} events are already waiting for fan-out: send fewer per second, or add a partition`;
  }
}
