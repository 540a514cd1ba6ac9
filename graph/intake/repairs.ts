// Repairs of the stream: events that arrived by core NATS and that the stream did not store, as happens while
// it has no leader, are published again. A mark in the stream proves which events those are: when it comes
// back, every copy that still waits and arrived a second before the mark was not stored. Owned by the stream
// intake; one timer, and a bounded number of publishes per tick.

import { againHeaders, type BrokerClient } from "../../broker/index.ts";
import type { Logger } from "../../lib/log.ts";
import type { Marks } from "./marks.ts";
import type { CoreCopy, Twins } from "./twins.ts";

/** The interval at which `tick` is to be called. */
export const TICK_MS = 250;
/** The stream's copy follows the core copy within milliseconds; after this time, the stream is asked. */
const OVERDUE_MS = 2_000;
/** An event may reach the stream's leader this much later than it reached this service. */
const DETOUR_MS = 1_000;
/** Some 20,000 per second, so that repairs do not crowd out what is published meanwhile. */
const REPAIRS_PER_TICK = 5_000;
/** After so many repairs without success, the stream refuses the event. */
const MAX_REPAIRS = 5;

export interface RepairsOptions {
  readonly client: Pick<BrokerClient, "connected" | "publish">;
  readonly twins: Twins;
  readonly marks: Marks;
  /** Unique among all starts of all services. */
  readonly writer: string;
  /** Called for an event that is given up. */
  readonly onAbandoned: (copy: CoreCopy) => void;
  readonly log: Logger;
}

export class Repairs {
  readonly #options: RepairsOptions;
  /** Copies to publish again. A later mark may name a copy that is still due. */
  readonly #due = new Set<CoreCopy>();
  /** Copies that were published again, by the token of the newest repair. */
  readonly #repaired = new Map<string, CoreCopy>();
  #count = 0;
  /** The number of times that an event was published again. */
  published = 0;
  /** The number of events that were given up, because the stream refused them again and again. */
  abandoned = 0;

  constructor(options: RepairsOptions) {
    this.#options = options;
  }

  /** Notes that a mark came back that was sent at this time, by the monotonic clock. */
  onMark(partition: number, sentMs: number): void {
    const { twins } = this.#options;
    for (const copy of twins.waitingSince(partition, sentMs - DETOUR_MS)) this.#due.add(copy);
  }

  /** Returns the copy of an event that came back from the stream with a repair's token, and forgets it. */
  take(token: string): CoreCopy | undefined {
    const copy = this.#repaired.get(token);
    this.#repaired.delete(token);
    if (copy === undefined || !this.#options.twins.has(copy)) return undefined;
    this.#options.twins.remove(copy);
    return copy;
  }

  /** Asks the streams about events that are overdue, and publishes again what they lack. */
  tick(nowMs: number): void {
    const { client, twins, marks } = this.#options;
    if (!client.connected) return;
    this.#forgetFound();
    this.#repairDue(nowMs);
    for (const partition of twins.partitionsWaitingSince(nowMs - OVERDUE_MS)) marks.send(partition, nowMs);
  }

  #repairDue(nowMs: number): void {
    const { twins } = this.#options;
    let repairs = 0;
    for (const copy of this.#due) {
      if (repairs === REPAIRS_PER_TICK) return;
      this.#due.delete(copy);
      if (!twins.has(copy)) continue;
      this.#repair(copy, nowMs);
      repairs += 1;
    }
  }

  #repair(copy: CoreCopy, nowMs: number): void {
    const { client, twins, writer, onAbandoned, log } = this.#options;
    const { subject, incoming, repairs } = copy;
    if (repairs === MAX_REPAIRS) {
      twins.remove(copy);
      this.abandoned += 1;
      log.error({ subject }, "the stream does not store this event: see the server's log");
      onAbandoned(copy);
      return;
    }
    this.#count += 1;
    const token = `${writer}-${this.#count}`;
    const { messageId, payload } = incoming;
    // the stream may know the producer's id although it lost the event: only the first attempt uses it
    const id = messageId !== "" && repairs === 0 ? messageId : `again-${token}`;
    const headers = againHeaders(token, messageId, id);
    if (client.publish(subject, payload, { headers }) !== "sent") return;
    this.published += 1;
    if (copy.token !== undefined) this.#repaired.delete(copy.token);
    this.#repaired.set(token, copy);
    copy.token = token;
    twins.renew(copy, nowMs);
  }

  /** Forgets repairs of copies whose twins came all the same, once there are more than copies that wait. */
  #forgetFound(): void {
    const { twins } = this.#options;
    if (this.#repaired.size <= twins.size) return;
    for (const [token, copy] of this.#repaired) if (!twins.has(copy)) this.#repaired.delete(token);
  }
}
