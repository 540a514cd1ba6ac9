// Compares replays with a plain list of the appended rows and plain sets of follows: random changes to the
// graph, several partitions, open events, holes, deletions and restarts. The pages are requested as an edge
// requests them.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { formatEventId, storedTopic, storedUserId } from "../../broker/contract.ts";
import type { ReplayItem } from "../../broker/index.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { GraphStore } from "../graph-store.ts";
import { History, type HistoryOptions } from "../history/history.ts";
import { ROW_KIND, type RowKind } from "../history/row.ts";
import type { Position } from "../history/sequences.ts";
import { tagOf } from "../history/tags.ts";
import { Partitions } from "../partitions.ts";
import { Random } from "../random.ts";
import { CHANGE_KINDS, type ChangeKind } from "../store/changes.ts";
import { PageReader } from "./page-reader.ts";

const USERS = ["7", "alice", "4294967296"];
const UNBOUNDED = { maxRows: 1_000_000, maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: 1e12 };
const START_MS = Date.parse("2026-11-21T20:00:00.000Z");

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const TOPICS = ["42", "rj", "team.blue", "31", "a.b.c.d", "9", ...USERS];
/** Two names that share a tag. */
const ALIKE = findAlike();

/** An appended row as recorded in the list. */
interface Listed extends Position {
  readonly ordinal: number;
  readonly partition: number;
  readonly kind: RowKind;
  readonly name: string;
  readonly text: string;
  readonly timeMs: number;
}

/** What a whole replay returned: the events and the reasons of holes in order, and the pages' last hole. */
interface Replayed {
  readonly received: string[];
  readonly since: string | undefined;
  readonly pages: number;
}

class Compared {
  readonly listed: Listed[] = [];
  /** `user topic` of follows that receive events. */
  readonly receiving = new Set<string>();
  readonly muted = new Set<string>();
  readonly blocked = new Set<string>();
  readonly store: GraphStore;
  readonly #directory: string;
  readonly #options: HistoryOptions;
  readonly #partitions: Partitions;
  history: History;
  maxEvents = 1_000;
  maxPayload = 1_048_576;

  private constructor(
    store: GraphStore,
    directory: string,
    partitions: Partitions,
    options: HistoryOptions,
    history: History,
  ) {
    this.store = store;
    this.#directory = directory;
    this.#partitions = partitions;
    this.#options = options;
    this.history = history;
  }

  static async open(partitions = Partitions.whole, bounds = UNBOUNDED): Promise<Compared> {
    const directory = tempDir();
    const store = await GraphStore.open(directory, { partitions, memoryBytes: 1_000_000 });
    const options: HistoryOptions = {
      ...{ partitions: partitions.owned, lastEpoch: 0, bounds, recentBytes: 2 * 1_048_576, onTrouble() {} },
    };
    const history = await History.open(join(directory, "history"), options);
    return new Compared(store, directory, partitions, options, history);
  }

  append(kind: RowKind, name: string, bytes = 20, partition = this.#partitions.partitionOf(name)): Listed {
    const at = this.history.nextPosition(partition);
    const timeMs = START_MS + this.listed.length * 1_000;
    const id = formatEventId({ partition, ...at });
    const text = `{"id":"${id}","data":"${"x".repeat(bytes)}"}`;
    const ordinal =
      kind === ROW_KIND.hole
        ? this.history.appendHole(partition, "graph-restarted", timeMs)
        : this.history.append(partition, { kind, name, timeMs, messageId: "", body: encoder.encode(text) });
    const listed = { ordinal, partition, ...at, kind, name, text, timeMs };
    this.listed.push(listed);
    return listed;
  }

  async change(kind: ChangeKind, user: string, topic: string): Promise<void> {
    await this.store.apply([{ kind, subscriber: storedUserId(user), topic: storedTopic(topic) }]);
    if (user === topic) return;
    const { receiving, muted, blocked } = this;
    const pair = `${user} ${topic}`;
    const move = (from: Set<string>, to: Set<string>): unknown => from.delete(pair) && to.add(pair);
    if (kind === "subscribe" && !blocked.has(pair) && !muted.has(pair)) receiving.add(pair);
    if (kind === "mute") move(receiving, muted);
    if (kind === "unmute") move(muted, receiving);
    if (kind === "unblock") blocked.delete(pair);
    if (kind === "block") blocked.add(pair);
    if (kind !== "unsubscribe" && kind !== "block") return;
    receiving.delete(pair);
    muted.delete(pair);
  }

  async restart(): Promise<void> {
    await this.history.close();
    this.history = await History.open(join(this.#directory, "history"), this.#options);
  }

  async close(): Promise<void> {
    await this.history.close();
    await this.store.close();
  }

  isFor(user: string, { kind, name }: Listed): boolean {
    if (kind === ROW_KIND.direct) return name === user;
    return kind === ROW_KIND.event && (name === user || this.receiving.has(`${user} ${name}`));
  }

  /** Requests pages until the last one. */
  replay(partition: number, user: string, after: ReplayItem["after"], upTo: number): Replayed {
    const pages = new PageReader({
      ...{
        history: this.history,
        store: this.store,
        partitions: this.#partitions,
        maxEvents: this.maxEvents,
      },
      begun: (of) => {
        const next = this.history.nextPosition(of);
        return { epoch: next.epoch, sequence: next.sequence - 1 };
      },
      maxPayload: () => this.maxPayload,
    });
    const received: string[] = [];
    let since: string | undefined;
    let at = after;
    for (let request = 1; ; request += 1) {
      const { head, events, bytes } = pages.read(partition, { request, user, after: at, upTo });
      assert.equal(head.request, request);
      assert.ok(events.length <= 1 || bytes <= Math.min(262_144, this.maxPayload - 1_024));
      if (head.hole !== undefined) {
        received.push(head.hole.reason);
        since = head.hole.since;
      }
      received.push(...events.map((event) => decoder.decode(event)));
      if (head.last) {
        assert.equal(head.upTo, upTo);
        return { received, since, pages: request };
      }
      assert.ok(head.upTo <= upTo && (events.length > 0 || head.hole !== undefined), "no progress");
      const sequence = Math.max(at.sequence, head.upTo);
      at = { epoch: at.epoch, sequence, open: at.open.filter((open) => open > head.upTo) };
    }
  }

  /** Compares a replay with the list. Returns what was received. */
  check(partition: number, user: string, after: ReplayItem["after"], upTo: number): readonly string[] {
    const replayed = this.replay(partition, user, after, upTo);
    const missed = this.listed.filter(
      (row) =>
        row.partition === partition &&
        row.sequence <= upTo &&
        (row.sequence > after.sequence || after.open.includes(row.sequence)),
    );
    const isLacking = missed.some(({ ordinal }) => ordinal < this.history.first);
    const mine = missed.filter((row) => this.isFor(user, row));
    if (isLacking || mine.length > this.maxEvents) {
      assert.deepEqual(replayed.received, [isLacking ? "too-old" : "too-many"]);
      const earliest = Math.min(...mine.map(({ timeMs }) => timeMs));
      assert.ok(Date.parse(replayed.since ?? "") <= earliest, "a missing event is older than `since`");
      return replayed.received;
    }
    const expected = missed
      .filter((row) => row.kind === ROW_KIND.hole || mine.includes(row))
      .map(({ kind, text }) => (kind === ROW_KIND.hole ? "graph-restarted" : text));
    assert.deepEqual(replayed.received, expected);
    return replayed.received;
  }
}

describe("replay pages", () => {
  for (const share of ["0/1", "0,2/4"])
    for (const seed of [1, 2, 3, 4])
      it(`share ${share}, seed ${seed} - hold exactly what a user missed, in order, over all changes`, async () => {
        const partitions = share === "0/1" ? Partitions.whole : Partitions.parse(share);
        const random = new Random(seed);
        const pick = <T>(of: readonly T[]): T => of[random.below(of.length)] as T;
        const compared = await Compared.open(partitions, { ...UNBOUNDED, maxRows: 600 });
        const owned = TOPICS.filter((topic) => partitions.owns(topic));
        const outcomes = new Map<string, number>();
        for (let step = 0; step < 80; step += 1) {
          for (let change = random.below(6); change > 0; change -= 1) {
            const kind = random.below(2) === 0 ? "subscribe" : pick(CHANGE_KINDS);
            await compared.change(kind, pick(USERS), pick(owned));
          }
          for (let row = random.below(60); row > 0; row -= 1) {
            const name = pick(owned);
            const bytes = random.below(10) === 0 ? random.below(60_000) : random.below(200);
            if (random.below(40) === 0) compared.append(ROW_KIND.hole, "", 0, pick(partitions.owned));
            else if (USERS.includes(name) && random.below(2) === 0)
              compared.append(ROW_KIND.direct, name, bytes);
            else compared.append(ROW_KIND.event, name, bytes);
          }
          if (step % 9 === 0) await compared.history.trim(0, compared.history.next);
          await compared.history.flush();
          if (step % 13 === 0) await compared.restart();
          for (let check = 0; check < 8; check += 1) {
            compared.maxEvents = pick([1_000, 20]);
            compared.maxPayload = pick([1_048_576, 70_000]);
            const partition = pick(partitions.owned);
            const rows = compared.listed.filter((row) => row.partition === partition).slice(-pick([40, 900]));
            if (rows.length === 0) continue;
            const after = pick([0, random.below(rows.length)]);
            const { epoch, sequence } = rows[after] as Listed;
            const upTo = (rows[after + random.below(rows.length - after)] as Listed).sequence;
            const open = rows
              .filter(
                (row) => row.kind !== ROW_KIND.hole && row.sequence <= sequence && random.below(12) === 0,
              )
              .map((row) => row.sequence)
              .slice(-2);
            const received = compared.check(partition, pick(USERS), { epoch, sequence, open }, upTo);
            const [first] = received;
            const outcome = first?.startsWith("{") === true ? "events" : (first ?? "nothing");
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          }
        }
        for (const outcome of ["events", "nothing", "graph-restarted", "too-old", "too-many"])
          assert.ok((outcomes.get(outcome) ?? 0) > 3, `hardly ever ${outcome}: ${[...outcomes]}`);
        await compared.close();
      });

  it("names that share a tag - are told apart", async () => {
    const compared = await Compared.open();
    const [followed = "", other = ""] = ALIKE;
    assert.equal(tagOf(followed), tagOf(other));
    await compared.change("subscribe", "7", followed);
    compared.append(ROW_KIND.event, other);
    const { epoch, sequence, text } = compared.append(ROW_KIND.event, followed);
    const after = { epoch, sequence: 0, open: [] };
    assert.deepEqual(compared.check(0, "7", after, sequence), [text]);
    await compared.change("subscribe", "7", other);
    assert.equal(compared.check(0, "7", after, sequence).length, 2, "both are followed: none is sent twice");
    await compared.close();
  });

  it("gap of many events of a muted topic - is not too many", async () => {
    const compared = await Compared.open();
    compared.maxEvents = 20;
    for (const topic of ["42", "rj"]) await compared.change("subscribe", "7", topic);
    await compared.change("mute", "7", "42");
    for (let row = 0; row < 100; row += 1) compared.append(ROW_KIND.event, row % 10 === 0 ? "rj" : "42");
    const { epoch, sequence } = compared.listed.at(-1) as Listed;
    assert.equal(compared.check(0, "7", { epoch, sequence: 0, open: [] }, sequence).length, 10);
    await compared.close();
  });

  it("1,000 events of 60 KiB - are read in pages of at most 256 KiB", async () => {
    const compared = await Compared.open();
    await compared.change("subscribe", "7", "42");
    for (let row = 0; row < 1_000; row += 1) compared.append(ROW_KIND.event, "42", 61_440);
    await compared.history.flush();
    const { epoch, sequence } = compared.listed.at(-1) as Listed;
    const { received, pages } = compared.replay(0, "7", { epoch, sequence: 0, open: [] }, sequence);
    assert.deepEqual(
      received,
      compared.listed.map(({ text }) => text),
    );
    assert.equal(pages, 250);
    await compared.close();
  });

  it("position of another epoch, or that was never begun - is an unknown cursor without `since`", async () => {
    const compared = await Compared.open();
    const { epoch, sequence } = compared.append(ROW_KIND.direct, "7");
    for (const after of [
      { epoch: epoch - 1, sequence: 0, open: [] },
      { epoch: epoch + 1, sequence: 0, open: [] },
      { epoch, sequence: sequence + 1, open: [] },
    ]) {
      const { received, since } = compared.replay(0, "7", after, sequence + 2);
      assert.deepEqual(received, ["unknown-cursor"]);
      assert.equal(since, undefined);
    }
    await compared.close();
  });

  it("event larger than NATS takes by now - is a hole in its place", async () => {
    const compared = await Compared.open();
    const rows = [100, 40_000, 100].map((bytes) => compared.append(ROW_KIND.direct, "7", bytes));
    compared.maxPayload = 20_000;
    const { epoch, sequence } = rows[2] as Listed;
    const { received, since } = compared.replay(0, "7", { epoch, sequence: 0, open: [] }, sequence);
    assert.deepEqual(received, [rows[0]?.text, "late", rows[2]?.text]);
    assert.equal(Date.parse(since ?? ""), rows[1]?.timeMs);
    await compared.close();
  });

  it("page that NATS makes end between open events - says so", async () => {
    const compared = await Compared.open();
    const rows = Array.from({ length: 6 }, () => compared.append(ROW_KIND.direct, "7", 12_000));
    compared.maxPayload = 20_000;
    const [first, , third, fourth] = rows as [Listed, Listed, Listed, Listed];
    const after = { epoch: first.epoch, sequence: fourth.sequence, open: [first.sequence, third.sequence] };
    assert.equal(compared.check(0, "7", after, (rows[5] as Listed).sequence).length, 4);
    await compared.close();
  });
});

function findAlike(): readonly [string, string] {
  const byTag = new Map<number, string>();
  for (let number = 0; ; number += 1) {
    const name = `name-${number}`;
    const other = byTag.get(tagOf(name));
    if (other !== undefined) return [other, name];
    byTag.set(tagOf(name), name);
  }
}
