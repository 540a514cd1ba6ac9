// Knows what was published, in order per topic, and what each reader received over all of its connections,
// and compares the two. Every payload contains its number within its topic, so that nothing has to be matched
// by content. Owned by one test.

import type { Block, Hole } from "./blocks.ts";

/** Maximum number of faults of one kind that a verdict describes. */
const MAX_EXAMPLES = 4;

/** The name under which direct messages to a user are numbered. It cannot be a topic. */
export function inboxOf(user: string): string {
  return `@${user}`;
}

/** A published event, from whose number within its topic its place in the list follows. */
interface Published {
  /**
   * When the broker had it at the latest, in milliseconds since 1970; infinite until that is certain. A
   * service cannot know of an event that its producer has not sent yet.
   */
  atMs: number;
  /** Published before this many others, of all topics. */
  readonly nth: number;
  /**
   * Whether the graph must have it: `sent` without a reply, `stored` according to the reply, or `unsure`
   * while no reply has come or if it was not sent.
   */
  state: "sent" | "unsure" | "stored";
}

/** The numbers of a topic that a reader must receive; those outside are not for this reader. */
interface Range {
  from: number;
  to: number;
}

export interface Verdict {
  readonly expected: number;
  readonly received: number;
  /** Neither received nor covered by the `since` of a resync. */
  readonly lost: number;
  /** Stored according to the reply, and not received, whatever a resync covers. */
  readonly storedButMissing: number;
  readonly twice: number;
  readonly outOfOrder: number;
  /** Received, but published before the follow began or after it ended. */
  readonly forbidden: number;
  /** Blocks whose cursor sorts before the cursor of an earlier block. */
  readonly cursorsBack: number;
  readonly resyncs: number;
  readonly examples: readonly string[];
}

/** A verdict without a fault. */
export const FLAWLESS = {
  lost: 0,
  storedButMissing: 0,
  twice: 0,
  outOfOrder: 0,
  forbidden: 0,
  cursorsBack: 0,
  resyncs: 0,
} as const;

/** Returns the faults in a verdict, in the form of FLAWLESS. */
export function faultsOf(verdict: Verdict): Record<keyof typeof FLAWLESS, number> {
  const { lost, storedButMissing, twice, outOfOrder, forbidden, cursorsBack, resyncs } = verdict;
  return { lost, storedButMissing, twice, outOfOrder, forbidden, cursorsBack, resyncs };
}

/** What one reader received. */
export class Received {
  readonly name: string;
  readonly user: string;
  readonly ranges: Map<string, Range> = new Map();
  /** Numbers by topic, in the order of receipt. */
  readonly numbers: Map<string, number[]> = new Map();
  /** Topics whose events must not be received any more once an event of another topic has been. */
  readonly withdrawn: Map<string, { readonly after: string; readonly n: number }> = new Map();
  readonly holes: (Hole & { readonly before: number })[] = [];
  /** Events in all. */
  count = 0;
  cursorsBack = 0;
  /** Events of withdrawn topics, received too late. */
  readonly tooLate: string[] = [];
  #lastCursor = "";
  #lastEventCursor = "";
  readonly #ledger: Ledger;

  constructor(name: string, user: string, ledger: Ledger) {
    this.name = name;
    this.user = user;
    this.#ledger = ledger;
  }

  note({ kind, cursor, event, hole }: Block): void {
    if (cursor !== undefined) {
      const isBack = cursor < this.#lastCursor || (kind === "event" && cursor <= this.#lastEventCursor);
      if (isBack) this.cursorsBack += 1;
      this.#lastCursor = cursor;
      if (kind === "event") this.#lastEventCursor = cursor;
    }
    if (hole !== undefined) this.holes.push({ ...hole, before: this.#ledger.total });
    if (event === undefined) return;
    const topic = event.topic ?? inboxOf(this.user);
    const { n } = event.data as { n: number };
    const end = this.withdrawn.get(topic);
    if (end !== undefined && this.last(end.after) >= end.n) this.tooLate.push(`${topic} ${n}`);
    const numbers = this.numbers.get(topic);
    if (numbers === undefined) this.numbers.set(topic, [n]);
    else numbers.push(n);
    this.count += 1;
  }

  /** The number received last in a topic, or -1. */
  last(topic: string): number {
    return this.numbers.get(topic)?.at(-1) ?? -1;
  }
}

export class Ledger {
  readonly #topics = new Map<string, Published[]>();
  readonly #follows = new Map<string, Set<string>>();
  readonly readers: Received[] = [];
  /** Events published so far. */
  total = 0;

  /** Notes an event before it is published, and returns its number within its topic. */
  publish(topic: string, state: Published["state"] = "sent"): number {
    const list = this.#listOf(topic);
    list.push({ atMs: Number.POSITIVE_INFINITY, nth: this.total, state });
    this.total += 1;
    return list.length - 1;
  }

  /** Notes that the broker has an event. */
  sent(topic: string, n: number): void {
    (this.#listOf(topic)[n] as Published).atMs = nowMs();
  }

  /** Notes that an event could not be sent, because the producer's connection was down. */
  unsent(topic: string, n: number): void {
    (this.#listOf(topic)[n] as Published).state = "unsure";
  }

  /** Notes that the graph replied that an event is stored. */
  stored(topic: string, n: number): void {
    (this.#listOf(topic)[n] as Published).state = "stored";
  }

  /** Notes that a user follows a topic from its next event on. */
  follow(user: string, topic: string): void {
    const topics = this.#follows.get(user) ?? new Set();
    this.#follows.set(user, topics.add(topic));
    for (const reader of this.readers) if (reader.user === user) this.#expect(reader, topic);
  }

  /** Notes that a user does not follow a topic any more: its next event is not for this user. */
  unfollow(user: string, topic: string): void {
    this.#follows.get(user)?.delete(topic);
    for (const reader of this.readers) {
      const range = reader.user === user ? reader.ranges.get(topic) : undefined;
      if (range !== undefined) range.to = this.#listOf(topic).length;
    }
  }

  follows(user: string, topic: string): boolean {
    return this.#follows.get(user)?.has(topic) === true;
  }

  /**
   * Notes that a user must not receive a topic any more, because the graph has replied so: neither new events
   * nor older ones that have not been received. Some may be on their way, so only those are counted that are
   * received after the next event of the user's own topic.
   */
  withdraw(user: string, topic: string): void {
    this.unfollow(user, topic);
    const n = this.#listOf(user).length; // of the next event
    for (const reader of this.readers)
      if (reader.user === user) reader.withdrawn.set(topic, { after: user, n });
  }

  topicsOf(user: string): string[] {
    return [...(this.#follows.get(user) ?? []), user, inboxOf(user)];
  }

  /** Adds a reader of a user, who must receive everything that is published from now on. */
  addReader(user: string, name = `reader ${this.readers.length} (${user})`): Received {
    const reader = new Received(name, user, this);
    for (const topic of this.topicsOf(user)) this.#expect(reader, topic);
    this.readers.push(reader);
    return reader;
  }

  /** Whether a reader has received, or was told to fetch, the last event of each of its topics. */
  isUpToDate(reader: Received): boolean {
    for (const [topic, range] of reader.ranges) {
      if (reader.withdrawn.has(topic)) continue;
      const list = this.#listOf(topic);
      const to = Math.min(range.to, list.length);
      let last = to - 1;
      const isMissing = (event: Published | undefined): boolean =>
        event !== undefined && (event.state === "unsure" || isCovered(event, reader.holes));
      while (last >= range.from && isMissing(list[last])) last -= 1;
      if (last >= range.from && reader.last(topic) < last) return false;
    }
    return true;
  }

  /** The number of events that a reader has not received yet; those that a resync covers count as such. */
  backlogOf(reader: Received): number {
    let expected = 0;
    for (const [topic, { from, to }] of reader.ranges)
      expected += Math.max(0, Math.min(to, this.#listOf(topic).length) - from);
    return expected - reader.count;
  }

  /** Compares what every reader, or one, received with what was published. */
  check(readers: readonly Received[] = this.readers): Verdict {
    const sum = { expected: 0, received: 0, ...FLAWLESS };
    const counts: Record<keyof typeof sum, number> = sum;
    const examples: string[] = [];
    const count = (fault: keyof typeof FLAWLESS, where: string): void => {
      counts[fault] += 1;
      if (counts[fault] <= MAX_EXAMPLES) examples.push(`${fault}: ${where}`);
    };
    for (const reader of readers) {
      counts.received += reader.count;
      counts.cursorsBack += reader.cursorsBack;
      for (const event of reader.tooLate)
        count("forbidden", `${reader.name} ${event} after the end of its follow`);
      for (const hole of reader.holes) count("resyncs", `${reader.name} ${JSON.stringify(hole)}`);
      for (const topic of new Set([...reader.ranges.keys(), ...reader.numbers.keys()]))
        counts.expected += this.#checkTopic(reader, topic, count);
    }
    return { ...counts, examples };
  }

  /** Returns how many events of the topic the reader was to receive. */
  #checkTopic(
    reader: Received,
    topic: string,
    count: (fault: keyof typeof FLAWLESS, where: string) => void,
  ): number {
    const list = this.#listOf(topic);
    const range = reader.ranges.get(topic) ?? { from: 0, to: 0 };
    const numbers = reader.numbers.get(topic) ?? [];
    const seen = new Set<number>();
    for (const [at, n] of numbers.entries()) {
      const where = `${reader.name} ${topic} ${n} after ${numbers[at - 1]}`;
      if (n < range.from || n >= Math.min(range.to, list.length)) count("forbidden", where);
      if (seen.has(n)) count("twice", where);
      else if (n < (numbers[at - 1] ?? -1)) count("outOfOrder", where);
      seen.add(n);
    }
    const to = Math.min(range.to, list.length);
    let expected = 0;
    for (let n = range.from; n < to; n += 1) {
      const published = list[n] as Published;
      if (published.state !== "unsure") expected += 1;
      if (seen.has(n) || published.state === "unsure" || reader.withdrawn.has(topic)) continue;
      const where = `${reader.name} ${topic} ${n} of ${range.from}…${to}`;
      if (published.state === "stored") count("storedButMissing", where);
      if (!isCovered(published, reader.holes)) count("lost", where);
    }
    return expected;
  }

  #expect(reader: Received, topic: string): void {
    const from = this.#listOf(topic).length;
    reader.ranges.set(topic, { from, to: Number.POSITIVE_INFINITY });
  }

  #listOf(topic: string): Published[] {
    const list = this.#topics.get(topic) ?? [];
    this.#topics.set(topic, list);
    return list;
  }
}

/**
 * Whether a page that fetches everything from `since` on, when it receives the resync, has the event. The
 * application's own store has an event from the moment the broker had it.
 */
function isCovered({ atMs, nth }: Published, holes: Received["holes"]): boolean {
  return holes.some(
    ({ since, before }) => nth < before && (since === undefined || Date.parse(since) <= Math.ceil(atMs)),
  );
}

/** The time of this process since 1970, which does not go back when the wall clock is set. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
