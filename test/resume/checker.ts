// Knows what was published, in order per topic, and what each reader received over all of its connections,
// and compares the two. Every payload contains its number within its topic, so that nothing has to be matched
// by content. Owned by one test.

import { inboxOf, nowMs, type PublishedSoFar, Received, type ReceivedHole } from "./received.ts";

/** Maximum number of faults of one kind that a verdict describes. */
const MAX_EXAMPLES = 4;

/** A published event, from whose number within its topic its place in the list follows. */
export interface Published {
  /** When it was first published, in milliseconds since 1970. */
  readonly publishedMs: number;
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

/** One fault in what a reader received. */
export interface Fault {
  readonly kind: keyof typeof FLAWLESS;
  readonly reader: Received;
  readonly topic: string;
  readonly n: number;
  /** The number received before it in the topic, if it was received. */
  readonly after?: number | undefined;
  /** The event; undefined if it was never published. */
  readonly published: Published | undefined;
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

type CountName = keyof typeof FLAWLESS | "expected" | "received";

/** Returns the faults in a verdict, in the form of FLAWLESS. */
export function faultsOf(verdict: Verdict): Record<keyof typeof FLAWLESS, number> {
  const { lost, storedButMissing, twice, outOfOrder, forbidden, cursorsBack, resyncs } = verdict;
  return { lost, storedButMissing, twice, outOfOrder, forbidden, cursorsBack, resyncs };
}

export class Ledger implements PublishedSoFar {
  readonly #topics = new Map<string, Published[]>();
  readonly #follows = new Map<string, Set<string>>();
  readonly readers: Received[] = [];
  readonly #sinceMsOf: (hole: ReceivedHole) => number;
  /** Events published so far. */
  total = 0;

  /** @param sinceMsOf reads the `since` of a resync, by a service's clock, in milliseconds since 1970 */
  constructor(sinceMsOf: (hole: ReceivedHole) => number = ({ since = "" }) => Date.parse(since)) {
    this.#sinceMsOf = sinceMsOf;
  }

  /** Notes an event before it is published, and returns its number within its topic. */
  publish(topic: string, state: Published["state"] = "sent"): number {
    const list = this.#listOf(topic);
    list.push({ publishedMs: nowMs(), atMs: Number.POSITIVE_INFINITY, nth: this.total, state });
    this.total += 1;
    return list.length - 1;
  }

  /** Returns an event; undefined if it was not published. */
  find(topic: string, n: number): Published | undefined {
    return this.#topics.get(topic)?.[n];
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

  /** The number of events of a topic so far. */
  countOf(topic: string): number {
    return this.#listOf(topic).length;
  }

  /**
   * Notes that a follow has been requested. Until the graph has replied, the user may receive the topic's
   * events or not; those published before the reply also later, because a replay obeys the present follows.
   */
  requestFollow(user: string, topic: string): void {
    for (const reader of this.readers)
      if (reader.user === user) reader.mayBelow.set(topic, Number.POSITIVE_INFINITY);
  }

  /**
   * Notes that the end of a follow has been requested. What a reader has not received by then may be missing.
   */
  requestUnfollow(user: string, topic: string): void {
    for (const reader of this.readers) {
      if (reader.user !== user) continue;
      reader.mayBelow.set(topic, Number.POSITIVE_INFINITY);
      const range = reader.ranges.get(topic)?.at(-1);
      if (range !== undefined) range.to = Math.min(range.to, Math.max(range.from, reader.last(topic) + 1));
    }
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
    const to = this.countOf(topic);
    for (const reader of this.readers) {
      if (reader.user !== user) continue;
      const range = reader.ranges.get(topic)?.at(-1);
      if (range !== undefined) range.to = Math.min(range.to, to);
      settleBelow(reader, topic, to);
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
    for (const [topic, ranges] of reader.ranges) {
      const range = ranges.at(-1);
      if (range === undefined || reader.withdrawn.has(topic)) continue;
      const list = this.#listOf(topic);
      const to = Math.min(range.to, list.length);
      let last = to - 1;
      const isMissing = (event: Published | undefined): boolean =>
        event !== undefined && (event.state === "unsure" || this.#isCovered(event, reader.holes));
      while (last >= range.from && isMissing(list[last])) last -= 1;
      if (last >= range.from && reader.last(topic) < last) return false;
    }
    return true;
  }

  /** The number of events that a reader has not received yet; those that a resync covers count as such. */
  backlogOf(reader: Received): number {
    let expected = 0;
    for (const [topic, ranges] of reader.ranges)
      for (const { from, to } of ranges) expected += Math.max(0, Math.min(to, this.countOf(topic)) - from);
    return expected - reader.count;
  }

  /**
   * The number of events that a reader never received, of those before this many of all topics: those that it
   * had to receive, and those of topics that its user followed at any time.
   */
  missingBefore(reader: Received, before: number): number {
    let missing = 0;
    for (const topic of reader.ranges.keys()) {
      const seen = new Set(reader.numbers.get(topic));
      for (const [n, { nth }] of this.#listOf(topic).entries())
        if (nth < before && !seen.has(n)) missing += 1;
    }
    return missing;
  }

  /** Compares what every reader, or one, received with what was published. */
  check(readers: readonly Received[] = this.readers): Verdict {
    const counts = { expected: 0, received: 0, ...FLAWLESS } as Record<CountName, number>;
    const examples: string[] = [];
    const count = (fault: keyof typeof FLAWLESS, where: string): void => {
      counts[fault] += 1;
      if (counts[fault] <= MAX_EXAMPLES) examples.push(`${fault}: ${where}`);
    };
    for (const reader of readers) {
      counts.received += reader.count;
      counts.expected += this.#expectedBy(reader);
      counts.cursorsBack += reader.cursorsBack.length;
      for (const hole of reader.holes) count("resyncs", `${reader.name} ${JSON.stringify(hole)}`);
    }
    for (const fault of this.faults(readers)) count(fault.kind, describe(fault));
    return { ...counts, examples };
  }

  /** Lists the faults in what every reader, or one, received; neither cursors nor resyncs are among them. */
  *faults(readers: readonly Received[] = this.readers): Generator<Fault> {
    for (const reader of readers) {
      for (const { topic, n } of reader.forbidden)
        yield { kind: "forbidden", reader, topic, n, published: this.#listOf(topic)[n] };
      for (const topic of new Set([...reader.ranges.keys(), ...reader.numbers.keys()])) {
        const seen = new Set<number>();
        yield* this.#misplaced(reader, topic, seen);
        yield* this.#missing(reader, topic, seen);
      }
    }
  }

  *#misplaced(reader: Received, topic: string, seen: Set<number>): Generator<Fault> {
    const numbers = reader.numbers.get(topic) ?? [];
    for (const [at, n] of numbers.entries()) {
      const after = numbers[at - 1];
      const where = { reader, topic, n, after, published: this.#listOf(topic)[n] };
      if (seen.has(n)) yield { kind: "twice", ...where };
      else if (n < (after ?? -1)) yield { kind: "outOfOrder", ...where };
      seen.add(n);
    }
  }

  *#missing(reader: Received, topic: string, seen: ReadonlySet<number>): Generator<Fault> {
    if (reader.withdrawn.has(topic)) return;
    const list = this.#listOf(topic);
    for (const { from, to } of reader.ranges.get(topic) ?? [])
      for (let n = from; n < Math.min(to, list.length); n += 1) {
        const published = list[n] as Published;
        if (seen.has(n) || published.state === "unsure") continue;
        const where = { reader, topic, n, published };
        if (published.state === "stored") yield { kind: "storedButMissing", ...where };
        if (!this.#isCovered(published, reader.holes)) yield { kind: "lost", ...where };
      }
  }

  #expectedBy(reader: Received): number {
    let expected = 0;
    for (const [topic, ranges] of reader.ranges)
      for (const { from, to } of ranges)
        for (const { state } of this.#listOf(topic).slice(from, to)) if (state !== "unsure") expected += 1;
    return expected;
  }

  /**
   * Whether a page that fetches everything from `since` on, when it receives the resync, has the event. The
   * application's own store has an event from the moment the broker had it.
   */
  #isCovered({ atMs, nth }: Published, holes: readonly ReceivedHole[]): boolean {
    return holes.some(
      (hole) => nth < hole.before && (hole.since === undefined || this.#sinceMsOf(hole) <= Math.ceil(atMs)),
    );
  }

  #expect(reader: Received, topic: string): void {
    const from = this.countOf(topic);
    const ranges = reader.ranges.get(topic) ?? [];
    ranges.push({ from, to: Number.POSITIVE_INFINITY });
    reader.ranges.set(topic, ranges);
    settleBelow(reader, topic, from);
  }

  #listOf(topic: string): Published[] {
    const list = this.#topics.get(topic) ?? [];
    this.#topics.set(topic, list);
    return list;
  }
}

/** Notes that a change has been made: of the events so far, any may still be received. */
function settleBelow(reader: Received, topic: string, count: number): void {
  if (reader.mayBelow.get(topic) === Number.POSITIVE_INFINITY) reader.mayBelow.set(topic, count);
}

function describe({ kind, reader, topic, n, after, published }: Fault): string {
  const place = kind === "twice" || kind === "outOfOrder" ? ` after ${after}` : "";
  return `${reader.name} ${topic} ${n}${place}, ${published?.state ?? "never published"}`;
}
