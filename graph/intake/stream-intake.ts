// The intake with streams. Each event arrives twice: from its producer by core NATS, with the subject for the
// reply, and from the stream that stored it, with its position. The stream's copy decides; it waits a few
// milliseconds for the core copy, so that the sender's request is counted. A core copy whose twin does not
// come is published again (repairs.ts). Owned by the graph service.
//
//   producer ──core──▶ twins ◀──┐ by content
//       └──▶ stream ──▶ event log ──▶ queue ──▶ history ──▶ fan-out

import { everyEvent, everyUserMessage } from "../../broker/contract.ts";
import {
  AGAIN_HEADER,
  type BrokerClient,
  type Msg,
  replyError,
  replyOf,
  type Subscribed,
} from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { History } from "../history/history.ts";
import type { Partitions } from "../partitions.ts";
import type { CountedSends } from "./counted-sends.ts";
import type { EventLog, Gate, LogEntry } from "./event-log.ts";
import { type Incoming, readDirect, readEvent, refuseStreamHeaders } from "./incoming.ts";
import type { FanOutReader, Intake, IntakeCounts } from "./intake.ts";
import { MarkedHoles } from "./marked-holes.ts";
import { Marks } from "./marks.ts";
import type { Receipts } from "./receipts.ts";
import { Repairs } from "./repairs.ts";
import { StoredKeys } from "./stored-keys.ts";
import { type CoreCopy, keyOf, Twins } from "./twins.ts";

/** How long the stream's copy waits for the core copy: one in a thousand arrives first, mostly by less. */
const TWIN_WITHIN_MS = 5;
/** How often a full history is looked at again. */
const FULL_AGAIN_MS = 50;

export interface StreamIntakeOptions {
  readonly client: BrokerClient;
  readonly partitions: Partitions;
  readonly history: History;
  readonly events: EventLog;
  readonly sends: CountedSends;
  readonly receipts: Receipts;
  readonly reader: FanOutReader;
  /** Unique among all starts of all services. */
  readonly writer: string;
  readonly log: Logger;
}

/** An entry that waits to be stored. */
interface Queued {
  readonly entry: LogEntry;
  /** Undefined for an entry that has no core copy. */
  readonly key: string | undefined;
  copy: CoreCopy | undefined;
  /** By the monotonic clock. */
  readonly dueMs: number;
}

export class StreamIntake implements Intake, Gate {
  readonly counts: IntakeCounts = { rejected: 0, overloaded: 0, duplicate: 0 };
  readonly twins: Twins = new Twins();
  readonly repairs: Repairs;
  readonly holes: MarkedHoles;
  readonly #options: StreamIntakeOptions;
  readonly #marks: Marks;
  readonly #queues: ReadonlyMap<number, Queued[]>;
  /** Queued entries without a core copy. */
  readonly #single = new Map<string, Queued>();
  /** What was stored without a core copy, which may still come. */
  readonly #stored = new StoredKeys();
  #timer: NodeJS.Timeout | undefined;
  #subscriptions: readonly Subscribed[] = [];

  constructor(options: StreamIntakeOptions) {
    const { client, partitions, writer, log } = options;
    this.#options = options;
    this.#marks = new Marks(client, writer);
    this.holes = new MarkedHoles(this.#marks);
    this.repairs = new Repairs({ client, twins: this.twins, marks: this.#marks, writer, log });
    this.#queues = new Map(partitions.owned.map((partition) => [partition, []]));
  }

  get notReady(): string | undefined {
    return this.#options.events.trouble;
  }

  open(): void {
    const { client, partitions, events } = this.#options;
    events.attach(this, () => this.#pause());
    this.#subscriptions = partitions.subjects.flatMap((partition) => [
      client.subscribe(everyEvent(partition), (message) => this.receive(message)),
      client.subscribe(everyUserMessage(partition), (message) => this.#accept(message, readDirect)),
    ]);
    this.repairs.start();
    this.holes.start();
  }

  async close(): Promise<void> {
    const { client, events } = this.#options;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.repairs.stop();
    this.holes.stop();
    await client.flush().catch(() => {}); // disconnected: nothing more can arrive anyway
    await events.stop();
    clearTimeout(this.#timer);
  }

  admit(entry: LogEntry): void {
    const { partition, mark, incoming, headers } = entry;
    if (mark !== undefined) this.#onMark(partition, mark);
    const key = incoming && keyOf(partition, incoming);
    const token = headers?.get(AGAIN_HEADER) ?? "";
    const copy = (token !== "" && this.repairs.take(token)) || (key && this.twins.take(key)) || undefined;
    const queued = { entry, key, copy, dueMs: performance.now() + TWIN_WITHIN_MS };
    if (copy === undefined && key !== undefined) this.#single.set(key, queued);
    (this.#queues.get(partition) as Queued[]).push(queued);
    this.#drain(partition, performance.now());
  }

  release(partition: number): void {
    this.#drain(partition, Number.POSITIVE_INFINITY);
  }

  receive(message: Msg): void {
    this.#accept(message, readEvent);
  }

  /** Accepts or refuses a core copy. */
  #accept(message: Msg, read: typeof readEvent): void {
    const { client, partitions } = this.#options;
    if (message.headers?.has(AGAIN_HEADER) === true) return; // published again by a graph service
    let incoming: Incoming;
    try {
      refuseStreamHeaders(message.headers);
      incoming = read(message, partitions.of);
    } catch (error) {
      this.counts.rejected += 1;
      replyError(client, replyOf(message), error);
      return;
    }
    const partition = partitions.partitionOf(incoming.name);
    const { subject } = message;
    const [key, reply] = [keyOf(partition, incoming), replyOf(message)];
    this.#match({ partition, subject, incoming, reply, key, atMs: performance.now(), repairs: 0 });
  }

  /** Brings a core copy together with what the stream stored, or lets it wait. */
  #match(copy: CoreCopy): void {
    const { history, events, sends } = this.#options;
    const { key, partition, incoming, reply } = copy;
    const queued = this.#single.get(key);
    if (queued !== undefined) {
      queued.copy = copy;
      this.#single.delete(key);
      return this.#drain(partition, performance.now());
    }
    const stored = this.#stored.take(key, performance.now());
    if (stored !== undefined) {
      if (reply !== undefined && incoming.topic !== undefined) sends.replyUncounted(stored, reply);
      return;
    }
    const { messageId } = incoming;
    const first =
      messageId === ""
        ? undefined
        : history.messageIds.find(partition, messageId, events.newestMs(partition));
    if (first === undefined) this.twins.add(copy);
    else this.#replyToDuplicate(copy, first.id);
  }

  /** Stores the entries of a partition in order, up to the first that still waits for its core copy. */
  #drain(partition: number, nowMs: number): void {
    const queue = this.#queues.get(partition) as Queued[];
    let done = 0;
    for (const queued of queue) {
      if (queued.copy === undefined && queued.key !== undefined && queued.dueMs > nowMs) break;
      done += 1;
      this.#store(queued);
    }
    if (done > 0) {
      queue.splice(0, done);
      this.#options.reader.wake();
    }
    if (queue[0] !== undefined) this.#wait(queue[0], nowMs);
  }

  #wait({ dueMs }: Queued, nowMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const [partition, queue] of this.#queues)
        if (queue.length > 0) this.#drain(partition, performance.now());
    }, dueMs - nowMs);
  }

  #store(queued: Queued): void {
    const { events, sends } = this.#options;
    const { entry, key } = queued;
    if (key !== undefined && this.#single.get(key) === queued) this.#single.delete(key);
    // of several entries with the same content, a copy may have been given to a later one
    const copy = queued.copy ?? (key === undefined ? undefined : this.twins.take(key));
    const stored = events.store(entry);
    if (stored === undefined) return;
    const { ordinal, id, isDuplicate } = stored;
    if (isDuplicate && copy !== undefined) this.#replyToDuplicate(copy, id);
    else if (copy?.reply !== undefined && copy.incoming.topic !== undefined)
      sends.add(ordinal, id, copy.reply);
    if (key === undefined || entry.incoming === undefined) return;
    if (copy === undefined) this.#stored.note(key, id, performance.now());
    if (entry.incoming.messageId === "") return;
    // further copies with this message id have no twin: the stream stored one
    for (let other = this.twins.take(key); other !== undefined; other = this.twins.take(key))
      this.#replyToDuplicate(other, id);
  }

  #onMark(partition: number, token: string): void {
    this.holes.onMark(token);
    const sentMs = this.#marks.take(partition, token);
    if (sentMs !== undefined) this.repairs.onMark(partition, sentMs);
  }

  #replyToDuplicate({ reply }: CoreCopy, id: string): void {
    const { client, history, receipts } = this.#options;
    this.counts.duplicate += 1;
    if (reply === undefined) return;
    void history.flush().then(() => client.publish(reply, receipts.encodeDuplicate(id)));
  }

  /** The streams keep what this service cannot store at present. */
  #pause(): Promise<unknown> | undefined {
    const { history, reader } = this.#options;
    if (history.isBacklogged) return history.flush();
    return history.isFull(reader.oldestNeeded) ? this.#untilRoom() : undefined;
  }

  async #untilRoom(): Promise<void> {
    const { history, reader } = this.#options;
    while (history.isFull(reader.oldestNeeded))
      await new Promise((resolve) => setTimeout(resolve, FULL_AGAIN_MS));
  }
}
