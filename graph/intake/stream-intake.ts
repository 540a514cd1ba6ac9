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
import { EntryQueue, type QueuedEntry } from "./entry-queue.ts";
import type { EventLog, Gate, LogEntry } from "./event-log.ts";
import { type Incoming, readDirect, readEvent, refuseStreamHeaders } from "./incoming.ts";
import type { FanOutReader, Intake, IntakeCounts } from "./intake.ts";
import type { Losses } from "./losses.ts";
import { MarkedHoles } from "./marked-holes.ts";
import { Marks } from "./marks.ts";
import { Repairs, TICK_MS } from "./repairs.ts";
import { StoredKeys } from "./stored-keys.ts";
import { type CoreCopy, keyOf, Twins } from "./twins.ts";

/** How often a full history is looked at again. */
const FULL_AGAIN_MS = 50;

export interface StreamIntakeOptions {
  readonly client: BrokerClient;
  readonly partitions: Partitions;
  readonly history: History;
  readonly events: EventLog;
  readonly sends: CountedSends;
  readonly reader: FanOutReader;
  readonly losses: Pick<Losses, "note">;
  /** Unique among all starts of all services. */
  readonly writer: string;
  readonly log: Logger;
}

export class StreamIntake implements Intake, Gate {
  readonly counts: IntakeCounts = { rejected: 0, overloaded: 0, duplicate: 0 };
  readonly twins: Twins = new Twins((copy) => this.#noteLost(copy));
  readonly repairs: Repairs;
  readonly #options: StreamIntakeOptions;
  readonly #marks: Marks;
  readonly #holes: MarkedHoles;
  readonly #queue: EntryQueue;
  /** What was stored without a core copy, which may still come. */
  readonly #stored = new StoredKeys();
  #ticking: NodeJS.Timeout | undefined;
  #subscriptions: readonly Subscribed[] = [];

  constructor(options: StreamIntakeOptions) {
    const { client, partitions, reader, writer, log } = options;
    this.#options = options;
    this.#marks = new Marks(client, writer);
    this.#holes = new MarkedHoles(this.#marks);
    const onAbandoned = (copy: CoreCopy): void => this.#noteLost(copy);
    this.repairs = new Repairs({ client, twins: this.twins, marks: this.#marks, writer, onAbandoned, log });
    this.#queue = new EntryQueue(
      partitions.owned,
      (queued) => this.#store(queued),
      () => reader.wake(),
    );
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
    this.#ticking = setInterval(() => {
      const nowMs = performance.now();
      this.repairs.tick(nowMs);
      this.#holes.tick(nowMs);
    }, TICK_MS);
  }

  async close(): Promise<void> {
    const { client, events } = this.#options;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    clearInterval(this.#ticking);
    await client.flush().catch(() => {}); // disconnected: nothing more can arrive anyway
    await events.stop();
    this.#queue.stop();
  }

  /** Puts a hole into a partition's stream: no event that may be missing is older than `sinceMs`. */
  addHole(partition: number, sinceMs: number): void {
    this.#holes.send(partition, { reason: "late", sinceMs }, performance.now());
  }

  admit(entry: LogEntry): void {
    const { partition, mark, incoming, headers } = entry;
    if (mark !== undefined) this.#onMark(partition, mark);
    const key = incoming && keyOf(partition, incoming);
    const token = headers?.get(AGAIN_HEADER) ?? "";
    const copy = (token !== "" && this.repairs.take(token)) || (key && this.twins.take(key)) || undefined;
    this.#queue.add({ entry, key, copy });
  }

  release(partition: number): void {
    this.#queue.release(partition);
  }

  receive(message: Msg): void {
    this.#accept(message, readEvent);
  }

  /** Accepts or refuses a core copy. */
  #accept(message: Msg, read: typeof readEvent): void {
    const { partitions } = this.#options;
    if (message.headers?.has(AGAIN_HEADER) === true) return; // published again by a graph service
    let incoming: Incoming;
    try {
      refuseStreamHeaders(message.headers);
      incoming = read(message, partitions.of);
    } catch (error) {
      return this.#refuse(replyOf(message), error);
    }
    const partition = partitions.partitionOf(incoming.name);
    const { subject } = message;
    const [key, reply, atMs] = [keyOf(partition, incoming), replyOf(message), performance.now()];
    const identity = { partition, subject, incoming, reply, key };
    this.#match({ ...identity, arrivedMs: atMs, atMs, repairs: 0, token: undefined });
  }

  /** Brings a core copy together with what the stream stored, or lets it wait. */
  #match(copy: CoreCopy): void {
    const { history, events, sends } = this.#options;
    const { key, partition, incoming, reply } = copy;
    if (this.#queue.match(copy)) return;
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

  #store({ entry, key, copy: found }: QueuedEntry): void {
    const { events, sends } = this.#options;
    // of several entries with the same content, a copy may have been given to a later one
    const copy = found ?? (key === undefined ? undefined : this.twins.take(key));
    const stored = events.store(entry);
    if (stored === undefined) return;
    const { ordinal, id, isDuplicate, refusal } = stored;
    if (refusal !== undefined && copy !== undefined) this.#refuse(copy.reply, refusal);
    else if (isDuplicate && copy !== undefined) this.#replyToDuplicate(copy, id);
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
    this.#holes.onMark(token);
    const sentMs = this.#marks.take(partition, token);
    if (sentMs !== undefined) this.repairs.onMark(partition, sentMs);
  }

  /** Tells readers of an event that the stream may never store. */
  #noteLost({ partition, arrivedMs }: CoreCopy): void {
    this.#options.losses.note(partition, Date.now() - (performance.now() - arrivedMs));
  }

  #refuse(reply: string | undefined, error: unknown): void {
    this.counts.rejected += 1;
    replyError(this.#options.client, reply, error);
  }

  #replyToDuplicate({ reply }: CoreCopy, id: string): void {
    this.counts.duplicate += 1;
    this.#options.sends.replyToDuplicate(id, reply);
  }

  /** While the history is full of events whose fan-out has not begun, the streams keep the rest. */
  #pause(): Promise<void> | undefined {
    const { history, reader } = this.#options;
    return history.isFull(reader.oldestNeeded) ? this.#untilRoom() : undefined;
  }

  async #untilRoom(): Promise<void> {
    const { history, reader } = this.#options;
    while (history.isFull(reader.oldestNeeded))
      await new Promise((resolve) => setTimeout(resolve, FULL_AGAIN_MS));
  }
}
