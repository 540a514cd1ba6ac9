// A small crowd for the tests of resume: users who follow authors, a celebrity whose events are long (they go
// to thousands of followers, so the graph sends them in parts), readers that come and go, and the checker.
// Works over any network that gives it a client and the addresses of edges. Owned by a test, which stops it.

import assert from "node:assert/strict";
import type { BrokerClient, FanoutMode } from "../../broker/index.ts";
import type { Random } from "../../graph/index.ts";
import { ask } from "../support/client.ts";
import { waitFor } from "../support/wait-for.ts";
import type { Block, StreamFormat } from "./blocks.ts";
import { FLAWLESS, faultsOf, Ledger, type Verdict } from "./checker.ts";
import { Load } from "./load.ts";
import type { Received } from "./received.ts";
import { CURSOR_PLACES, ReturningReader } from "./returning-reader.ts";

export const CELEBRITY = "star";
const AUTHORS = 12;
const FOLLOWS_PER_USER = 5;
/** An event with more recipients than these is long, where every edge uses frames, and otherwise. */
const CELEBRITY_FOLLOWERS = { frames: 8_300, subject: 1_100 };
const PER_REQUEST = 1_000;
const MAX_BACKLOG = 400;
/**
 * A connection is cut after at most this many bytes; half of the time, small numbers are as likely as large.
 */
const MAX_CUT_BYTES = 40_000;
const MAX_PAUSE_MS = 80;
const MAX_LONG_PAUSE_MS = 600;
const LONG_PAUSE_EVERY = 10;
const SETTLE_MS = 30_000;

export interface CrowdOptions {
  readonly client: BrokerClient;
  /** Addresses of the edges to which readers may return now. */
  readonly edges: () => readonly URL[];
  readonly random: Random;
  /** `frames` if every edge uses frames. */
  readonly fanout?: FanoutMode;
  readonly formats?: readonly StreamFormat[];
  readonly perSecond?: number;
  readonly streamsPerUser?: number;
  /** By default just enough for long events. */
  readonly celebrityFollowers?: number;
  /** The number of bytes after which the next connection is cut; random by default. */
  readonly cutAfter?: (nth: number) => number;
  /** What has been published; a new one by default. */
  readonly ledger?: Ledger;
  /** The time until a reader connects again after a connection without an event, in milliseconds. */
  readonly fruitlessPauseMs?: () => number;
  /** Whether plain events are held back; by default while a reader has missed too many to be replayed. */
  readonly isHeldBack?: () => boolean;
}

export interface Member {
  readonly received: Received;
  readonly reader: ReturningReader;
}

export class Crowd {
  readonly ledger: Ledger;
  readonly members: Member[] = [];
  readonly topics: readonly string[];
  readonly load: Load;
  readonly #options: CrowdOptions;
  #users: readonly string[] = [];
  #isChurning = false;
  /** Called for every block, before it is checked. Returns false to cut the connection after the block. */
  onBlock: (member: Member, block: Block) => boolean = () => true;

  private constructor(options: CrowdOptions) {
    this.#options = options;
    this.ledger = options.ledger ?? new Ledger();
    const authors = Array.from({ length: AUTHORS }, (_, n) => (n % 4 === 3 ? `photo.${n}` : `author${n}`));
    this.topics = [...authors, CELEBRITY];
    const { client, random, perSecond = 200 } = options;
    const users = (): readonly string[] => this.#users;
    // a reader who is cut so often that it never catches up would miss more than can be replayed
    const isBehind = (): boolean =>
      this.ledger.readers.some((reader) => this.ledger.backlogOf(reader) > MAX_BACKLOG);
    const { isHeldBack = isBehind } = options;
    this.load = new Load({ client, random, ledger: this.ledger, users, perSecond, isHeldBack });
  }

  /** Fills the graph and opens one stream per user; all are open when this resolves. */
  static async gather(options: CrowdOptions, size: number): Promise<Crowd> {
    const crowd = new Crowd(options);
    crowd.#users = Array.from({ length: size }, (_, n) => (n < 3 ? `author${n}` : `user${n}`));
    await crowd.#fillGraph();
    for (let stream = 0; stream < (options.streamsPerUser ?? 1); stream += 1)
      for (const user of crowd.#users) crowd.#add(user, crowd.members.length);
    await crowd.come();
    return crowd;
  }

  /** What broke the protocol first, if anything did. */
  get fault(): Error | undefined {
    return this.members.find(({ reader }) => reader.fault !== undefined)?.reader.fault;
  }

  get disconnects(): number {
    return this.members.reduce((sum, { reader }) => sum + reader.cuts, 0);
  }

  /** Lets every reader cut its connections at random points, or no longer. */
  churn(isChurning: boolean): void {
    this.#isChurning = isChurning;
    // a connection that was opened without a limit would never be cut
    if (isChurning) for (const { reader } of this.members) reader.recut();
  }

  /** Makes every reader come, and resolves when each has a stream again. */
  async come(): Promise<void> {
    for (const { reader } of this.members) reader.come();
    // a reader that is cut before its first cursor has no position, and misses what comes meanwhile
    const hasStream = ({ reader }: Member): boolean => reader.isReading && reader.cursor !== undefined;
    await waitFor("every reader to have a stream", () =>
      this.members.every((member) => hasStream(member) || member.reader.fault !== undefined),
    );
  }

  /** Makes every reader leave; they stay away until `come`. */
  leave(): void {
    for (const { reader } of this.members) reader.leave();
  }

  /** Ends churn and load, and resolves when every reader has received the newest events. */
  async settle(): Promise<void> {
    this.churn(false);
    await this.load.stop();
    for (const { reader } of this.members) reader.come();
    await this.untilUpToDate();
    // events of every author after the last: whatever is delivered twice by then was delivered before them
    for (const topic of this.topics) await this.load.request(topic);
    await this.untilUpToDate();
  }

  async untilUpToDate(): Promise<void> {
    const isDone = ({ received, reader }: Member): boolean =>
      reader.fault !== undefined || this.ledger.isUpToDate(received);
    await waitFor("every reader to be up to date", () => this.members.every(isDone), SETTLE_MS).catch(
      (error: unknown) => {
        this.leave();
        const late = this.members.filter((member) => !isDone(member)).map(({ received }) => received.name);
        throw new Error(`${late.length} readers: ${late}; ${this.#describe(this.ledger.check())}`, {
          cause: error,
        });
      },
    );
  }

  /** Fails unless every reader received exactly what it had to, without a resync. */
  assertFlawless(): Verdict {
    const verdict = this.assertProtocol();
    assert.deepEqual(faultsOf(verdict), FLAWLESS, this.#describe(verdict));
    return verdict;
  }

  /** Fails if a stream was not as the protocol says. */
  assertProtocol(): Verdict {
    for (const { reader, received } of this.members)
      assert.equal(reader.fault, undefined, `${received.name}: ${reader.fault?.stack}`);
    return this.ledger.check();
  }

  #describe({ examples, ...counts }: Verdict): string {
    return `${JSON.stringify(counts)}\n${examples.join("\n")}`;
  }

  #add(user: string, nth: number): void {
    const { random, edges, formats = ["sse", "ndjson"] } = this.#options;
    const { cutAfter = () => this.#randomBytes(), fruitlessPauseMs } = this.#options;
    const received = this.ledger.addReader(user);
    const reader: ReturningReader = new ReturningReader({
      user,
      format: formats[nth % formats.length] as StreamFormat,
      place: CURSOR_PLACES[nth % CURSOR_PLACES.length] ?? "header",
      edge: () => {
        const all = edges();
        return all[random.below(all.length)] as URL;
      },
      cutAfter: () => (this.#isChurning ? cutAfter(nth) : Number.POSITIVE_INFINITY),
      pauseMs: (isFruitless) => {
        if (isFruitless && fruitlessPauseMs !== undefined) return fruitlessPauseMs();
        return random.below(random.below(LONG_PAUSE_EVERY) === 0 ? MAX_LONG_PAUSE_MS : MAX_PAUSE_MS);
      },
      onBlock: (block) => {
        const goesOn = this.onBlock({ received, reader }, block);
        received.note(block);
        return goesOn;
      },
    });
    this.members.push({ received, reader });
  }

  #randomBytes(): number {
    const { random } = this.#options;
    if (random.below(2) === 0) return random.below(MAX_CUT_BYTES);
    return Math.floor(MAX_CUT_BYTES ** (random.below(1_000_000) / 1_000_000)) - 1;
  }

  async #fillGraph(): Promise<void> {
    const { random, fanout = "subject" } = this.#options;
    const { celebrityFollowers = CELEBRITY_FOLLOWERS[fanout] } = this.#options;
    for (const user of this.#users) {
      const chosen = Array.from(
        { length: FOLLOWS_PER_USER },
        () => this.topics[random.below(this.topics.length)] as string,
      );
      for (const topic of new Set(chosen)) if (topic !== user) this.ledger.follow(user, topic);
    }
    for (const topic of this.topics) {
      const followers = this.#users.filter((user) => this.ledger.follows(user, topic));
      if (topic === CELEBRITY) for (let n = 0; n < celebrityFollowers; n += 1) followers.push(`fan${n}`);
      for (let from = 0; from < followers.length; from += PER_REQUEST)
        await this.change("subscribe", topic, followers.slice(from, from + PER_REQUEST));
    }
  }

  /** Repeats the request, because a service's subscriptions take a moment to be known in a cluster. */
  async change(
    verb: "subscribe" | "unsubscribe" | "mute" | "block",
    topic: string,
    users: readonly string[],
  ): Promise<void> {
    await waitFor(`the graph to ${verb}`, async () => {
      const reply = await ask(this.#options.client, `graph.${verb}.${topic}`, users).catch(() => undefined);
      if (reply?.problem !== undefined) throw new Error(reply.problem.message);
      return reply !== undefined;
    });
  }
}
