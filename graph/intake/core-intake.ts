// The intake without streams: receives events and direct messages over core NATS. Each is checked, assigned a
// position and appended to the history in order of arrival, before anything is sent; fan-out reads it from
// there. A message that is refused is counted, and its sender receives an error if it requested a reply.
// Owned by the graph service. Stores nothing itself; refuses events while the history is full.

import {
  BrokerError,
  checkEncoded,
  EventEncoder,
  everyEvent,
  everyUserMessage,
  formatEventId,
} from "../../broker/contract.ts";
import { type BrokerClient, type Msg, replyError, replyOf, type Subscribed } from "../../broker/index.ts";
import { GraphError } from "../errors.ts";
import type { History } from "../history/history.ts";
import type { Partitions } from "../partitions.ts";
import type { CountedSends } from "./counted-sends.ts";
import { type Incoming, readDirect, readEvent } from "./incoming.ts";
import type { FanOutReader, Intake, IntakeCounts } from "./intake.ts";
import type { Losses } from "./losses.ts";

export interface CoreIntakeOptions {
  readonly client: BrokerClient;
  readonly partitions: Partitions;
  readonly history: History;
  readonly sends: CountedSends;
  readonly reader: FanOutReader;
  readonly losses: Losses;
}

export class CoreIntake implements Intake {
  readonly notReady: undefined;
  readonly #options: CoreIntakeOptions;
  readonly #encoder = new EventEncoder();
  readonly counts: IntakeCounts = { rejected: 0, overloaded: 0, duplicate: 0 };
  #subscriptions: readonly Subscribed[] = [];

  constructor(options: CoreIntakeOptions) {
    this.#options = options;
  }

  open(): void {
    const { client, partitions } = this.#options;
    this.#subscriptions = partitions.subjects.flatMap((partition) => [
      client.subscribe(everyEvent(partition), (message) => this.receive(message)),
      client.subscribe(everyUserMessage(partition), (message) => this.#accept(message, readDirect)),
    ]);
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#options.client.flush().catch(() => {}); // disconnected: nothing more can arrive anyway
  }

  receive(message: Msg): void {
    this.#accept(message, readEvent);
  }

  #accept(message: Msg, read: typeof readEvent): void {
    const { client, partitions } = this.#options;
    try {
      this.#append(message, read(message, partitions.of));
    } catch (error) {
      if (error instanceof BrokerError) this.counts.rejected += 1;
      else if (error instanceof GraphError) this.counts.overloaded += 1;
      else throw error;
      replyError(client, replyOf(message), error);
    }
  }

  /** @throws BrokerError for an oversized message; GraphError GRAPH_OVERLOADED */
  #append(message: Msg, { kind, name, topic, messageId, payload }: Incoming): void {
    const { client, partitions, history, sends, reader } = this.#options;
    const partition = partitions.partitionOf(name);
    const first =
      messageId === "" ? undefined : history.messageIds.find(partition, messageId, performance.now());
    if (first !== undefined) {
      this.counts.duplicate += 1;
      return sends.replyToDuplicate(first.id, replyOf(message));
    }
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
