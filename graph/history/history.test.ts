// Compares the history with a plain list of the appended rows: what it reads, finds and deletes, and what it
// restores after a restart, after a killed process and after a period with a full disk.

import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { formatEventId } from "../../broker/contract.ts";
import { decodeHole } from "../../broker/index.ts";
import { codeOf } from "../../lib/errors.ts";
import { SmallDisk } from "../../test/support/small-disk.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { waitFor } from "../../test/support/wait-for.ts";
import { Random } from "../random.ts";
import { openDatabase } from "../store/database.ts";
import { History, type HistoryOptions } from "./history.ts";
import { LOG, META } from "./keys.ts";
import { ROW_KIND, type Row, type RowKind } from "./row.ts";
import { isAfter, type Position } from "./sequences.ts";
import { tagOf } from "./tags.ts";

const NAMES = ["7", "42", "4294967296", "rj", "alice", "team.blue"];
const UNBOUNDED = { maxRows: 1_000_000, maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: 1e12 };
const DAY_MS = 86_400_000;
const MIB = 1_048_576;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An appended row as recorded in the list. */
interface Listed extends Position {
  readonly ordinal: number;
  readonly partition: number;
  readonly kind: RowKind;
  readonly name: string;
  readonly text: string;
  readonly timeMs: number;
}

/** A history and the list of the rows appended to it. */
class Compared {
  readonly listed: Listed[] = [];
  readonly #directory: string;
  readonly #options: HistoryOptions;
  history: History;

  private constructor(directory: string, options: HistoryOptions, history: History) {
    this.#directory = directory;
    this.#options = options;
    this.history = history;
  }

  static async open(
    options: Partial<HistoryOptions> = {},
    directory = join(tempDir(), "history"),
  ): Promise<Compared> {
    const whole: HistoryOptions = {
      partitions: [0],
      lastEpoch: 2,
      bounds: UNBOUNDED,
      recentBytes: 2 * MIB,
      onTrouble() {},
      ...options,
    };
    return new Compared(directory, whole, await History.open(directory, whole));
  }

  append(
    partition: number,
    kind: RowKind,
    name: string,
    more: Partial<Row> & { bytes?: number } = {},
  ): Listed {
    const at = this.history.nextPosition(partition);
    const id = formatEventId({ partition, ...at });
    const { timeMs = this.listed.length, messageId = "", bytes = 20 } = more;
    const text = `{"id":"${id}","data":"${"x".repeat(bytes)}"}`;
    const ordinal = this.history.append(partition, {
      kind,
      name,
      timeMs,
      messageId,
      body: encoder.encode(text),
    });
    const listed = { ordinal, partition, ...at, kind, name, text, timeMs };
    this.listed.push(listed);
    return listed;
  }

  /** Stops cleanly and opens the history again. */
  async restart(options: Partial<HistoryOptions> = {}): Promise<void> {
    await this.history.close();
    this.history = await History.open(this.#directory, { ...this.#options, ...options });
  }

  /** Opens the history from a copy of its current files, which are what a killed process would leave. */
  async kill(): Promise<void> {
    const image = `${this.#directory}-image`;
    await waitFor("a copy while LevelDB deletes no file", () => {
      rmSync(image, { recursive: true, force: true });
      try {
        cpSync(this.#directory, image, { recursive: true });
        return true;
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error;
        return false;
      }
    });
    await this.history.close();
    rmSync(this.#directory, { recursive: true });
    cpSync(image, this.#directory, { recursive: true });
    rmSync(image, { recursive: true });
    this.history = await History.open(this.#directory, this.#options);
  }

  /** Compares every row and the number of stored rows with the list. */
  check(): void {
    const { history } = this;
    for (const { ordinal, partition, epoch, sequence, kind, name, text, timeMs } of this.listed) {
      const row = history.read(ordinal);
      if (ordinal < history.first) assert.equal(row, undefined);
      else {
        const { body = new Uint8Array(0), messageId: _id, ...rest } = row ?? {};
        assert.deepEqual(rest, { kind, name, timeMs, partition, epoch, sequence }, `row ${ordinal}`);
        assert.equal(decoder.decode(body), text);
      }
    }
    assert.equal(history.read(history.next), undefined);
    assert.equal(history.rows, this.listed.filter(({ ordinal }) => ordinal >= history.first).length);
  }

  /** Compares the rows that one user missed with the list. */
  checkMissed(
    partition: number,
    names: readonly string[],
    user: string,
    after: Position,
    open: readonly number[],
  ): void {
    const upTo = this.history.nextPosition(partition);
    const isMissed = (row: Listed): boolean =>
      row.ordinal >= this.history.first &&
      row.partition === partition &&
      (isAfter(row, after) || (row.epoch === after.epoch && open.includes(row.sequence))) &&
      (row.kind === ROW_KIND.event
        ? names.includes(row.name)
        : row.kind === ROW_KIND.direct
          ? row.name === user
          : isAfter(row, after));
    const { ordinals, events } = this.history.findMissed(
      partition,
      { topics: names.map(tagOf), user: tagOf(user) },
      { ...after, open },
      upTo,
      1_000_000,
    );
    const missed = this.listed.filter(isMissed);
    assert.deepEqual(
      ordinals,
      missed.map(({ ordinal }) => ordinal),
    );
    assert.equal(events, missed.filter(({ kind }) => kind !== ROW_KIND.hole).length);
  }
}

describe("history", () => {
  for (const partitions of [[0], [0, 5, 9]])
    for (const seed of [1, 2, 3])
      it(`${partitions.length} partitions, seed ${seed} - returns and finds every appended row, across all kinds of restarts`, async () => {
        const random = new Random(seed);
        const bounds = { ...UNBOUNDED, maxRows: 2_000 };
        const compared = await Compared.open({ partitions, bounds });
        const pick = <T>(of: readonly T[]): T => of[random.below(of.length)] as T;
        for (let step = 0; step < 60; step += 1) {
          for (let row = random.below(200); row > 0; row -= 1) {
            const kind = pick([ROW_KIND.event, ROW_KIND.event, ROW_KIND.direct, ROW_KIND.hole]);
            const name = kind === ROW_KIND.hole ? "" : pick(NAMES);
            compared.append(pick(partitions), kind, name, { bytes: random.below(5_000) });
          }
          if (step % 5 === 0) await compared.history.trim(0, compared.history.next - random.below(500));
          await compared.history.flush();
          if (step % 7 === 0) await compared.restart();
          if (step % 11 === 0) await compared.kill();
          if (step % 3 === 0) compared.check();
          const partition = pick(partitions);
          const ofPartition = compared.listed.filter((row) => row.partition === partition);
          const { epoch = compared.history.epoch, sequence = 0 } =
            ofPartition[random.below(ofPartition.length + 1)] ?? {};
          const open = ofPartition
            .filter((row) => row.epoch === epoch && row.sequence <= sequence && random.below(40) === 0)
            .map((row) => row.sequence);
          const names = NAMES.filter(() => random.below(2) === 0);
          compared.checkMissed(partition, names, pick(NAMES), { epoch, sequence }, open);
        }
        assert.ok(compared.history.first > 1, "no row was deleted");
        await compared.history.close();
      });

  it("holes and places - are found by their positions, also after a restart", async () => {
    const compared = await Compared.open({ partitions: [0, 3] });
    for (const partition of [0, 3, 3, 0]) compared.append(partition, ROW_KIND.event, "7");
    const hole = compared.history.appendHole(3, "late", 1_000);
    await compared.restart();
    const { history } = compared;
    const { epoch } = history;
    assert.equal(history.ordinalAfter(3, { epoch, sequence: 0 }), 2);
    assert.equal(history.ordinalAfter(3, { epoch, sequence: 2 }), hole);
    assert.equal(history.ordinalAfter(0, { epoch, sequence: 2 }), history.next);
    assert.equal(history.ordinalAt(0, { epoch, sequence: 2 }), 4);
    assert.equal(history.ordinalAt(0, { epoch, sequence: 3 }), undefined);
    assert.deepEqual(history.placeOf(hole), { partition: 3, epoch, sequence: 3 });
    const row = history.read(hole);
    assert.equal(row?.kind, ROW_KIND.hole);
    const { reason, since } = decodeHole(row?.body ?? new Uint8Array(0));
    assert.deepEqual([reason, since], ["late", "1970-01-01T00:00:01.000Z"]);
    await history.close();
  });

  it("kill before a batch is written - keeps earlier rows and reuses no sequence number", async () => {
    const compared = await Compared.open();
    const stored = compared.append(0, ROW_KIND.event, "42");
    await compared.history.flush();
    const last = compared.append(0, ROW_KIND.event, "42"); // gathered, but not written yet
    compared.listed.pop();
    await compared.kill();
    compared.check();
    const next = compared.append(0, ROW_KIND.event, "42");
    assert.ok(isAfter(next, last), `${next.sequence} is not after ${last.sequence}`);
    assert.equal(next.epoch, stored.epoch);
    await compared.history.flush();
    await compared.restart();
    compared.check();
    const { sequence } = compared.append(0, ROW_KIND.event, "42");
    assert.equal(sequence, next.sequence + 1, "a clean shutdown skips no sequence number");
    await compared.history.close();
  });

  it("restart after all rows were deleted - reuses no sequence number", async () => {
    const compared = await Compared.open({ bounds: { ...UNBOUNDED, maxAgeMs: DAY_MS } });
    const first = compared.append(0, ROW_KIND.event, "42");
    await compared.history.flush();
    await compared.restart();
    for (let row = 0; row < 50; row += 1) compared.append(0, ROW_KIND.event, "42");
    const last = compared.listed.at(-1) as Listed;
    await compared.history.trim(2 * DAY_MS, compared.history.next);
    assert.equal(compared.history.rows, 0);
    assert.equal(
      compared.history.earliestDeletedAfter(0, first),
      1,
      "the earliest time of a deleted row after that position",
    );
    for (const restart of [() => compared.restart(), () => compared.kill()]) {
      await restart();
      assert.equal(compared.history.earliestDeletedAfter(0, first), 1);
      assert.equal(compared.history.earliestDeletedAfter(0, last), undefined);
      assert.ok(isAfter(compared.history.nextPosition(0), last));
    }
    await compared.history.close();
  });

  it("bounds on bytes and age - delete the oldest rows, at most an eighth too many, but none that is needed", async () => {
    const bounds = { maxRows: 1_000_000, maxAgeMs: DAY_MS, maxBytes: 400_000 };
    const compared = await Compared.open({ bounds });
    const { history } = compared;
    for (let row = 0; row < 1_000; row += 1)
      compared.append(0, ROW_KIND.event, "42", { bytes: 1_000, timeMs: row });
    await history.trim(0, 100);
    assert.ok(history.first <= 100, "row 100, which fan-out still needs, was deleted");
    await history.trim(0, history.next);
    assert.ok(history.bytes <= 400_000 && history.bytes > 340_000, `${history.bytes} bytes`);
    compared.check();
    const { first } = history;
    assert.equal(history.oldestMs, first - 1);
    assert.equal(history.earliestDeletedAfter(0, { epoch: history.epoch, sequence: first - 1 }), undefined);
    assert.ok(
      (history.earliestDeletedAfter(0, { epoch: history.epoch, sequence: first - 2 }) ?? 1e9) <= first - 2,
    );
    await history.trim(DAY_MS + 1_000, history.next);
    assert.equal(history.rows, 0);
    await history.close();
  });

  it("since - returns a time no later than any row after a position, deleted or stored", async () => {
    const compared = await Compared.open({ partitions: [0, 1], bounds: { ...UNBOUNDED, maxRows: 100 } });
    const random = new Random(9);
    for (let row = 0; row < 500; row += 1)
      compared.append(random.below(2), ROW_KIND.event, "42", { timeMs: 1_000 + row - random.below(20) });
    await compared.history.trim(0, compared.history.next);
    for (const at of compared.listed) {
      const times = compared.listed
        .filter((row) => row.partition === at.partition && isAfter(row, at))
        .map(({ timeMs }) => timeMs);
      const since = compared.history.earliestAfter(at.partition, at);
      assert.ok(times.length === 0 || (since ?? 1e9) <= Math.min(...times));
    }
    await compared.history.close();
  });

  it("message ids - are found for two minutes, also after a restart, and the oldest are dropped first", async () => {
    const compared = await Compared.open();
    const first = compared.append(0, ROW_KIND.event, "42", { messageId: "order-1 ü", timeMs: Date.now() });
    const id = formatEventId(first);
    compared.append(0, ROW_KIND.event, "42", { messageId: "old", timeMs: Date.now() - 121_000 });
    await compared.history.flush();
    for (const restart of [() => compared.restart(), () => compared.kill()]) {
      await restart();
      const now = performance.now();
      assert.equal(compared.history.messageIds.find(0, "order-1 ü", now)?.id, id);
      assert.equal(compared.history.messageIds.find(0, "order-1 ü", now + 120_001), undefined);
      assert.equal(compared.history.messageIds.find(0, "old", now), undefined);
      assert.equal(compared.history.messageIds.size, 1);
    }
    for (let event = 0; event < 100_000; event += 1)
      compared.history.messageIds.note(0, `many-${event}`, { id: "x", atMs: performance.now() });
    assert.equal(compared.history.messageIds.size, 100_000);
    assert.equal(compared.history.messageIds.find(0, "order-1 ü", performance.now()), undefined);
    await compared.history.close();
  });

  it("last listening time - is available after every restart", async () => {
    const compared = await Compared.open();
    assert.equal(compared.history.lastListeningMs, undefined, "a new history has none");
    compared.history.noteListening(5_000);
    await compared.history.flush();
    await compared.kill();
    assert.equal(compared.history.lastListeningMs, 5_000);
    compared.append(0, ROW_KIND.event, "42", { timeMs: 6_000 });
    await compared.restart();
    assert.equal(compared.history.lastListeningMs, 6_000, "an accepted event counts as listening");
    await compared.history.close();
  });

  it("forget - erases the events and messages of one name only, from memory and disk", async () => {
    const compared = await Compared.open();
    for (let row = 0; row < 200; row += 1)
      compared.append(
        0,
        row % 3 === 0 ? ROW_KIND.direct : ROW_KIND.event,
        NAMES[row % NAMES.length] as string,
      );
    await compared.history.forget("rj");
    const forgotten = compared.listed.filter(({ name }) => name === "rj");
    for (const restart of [async () => {}, () => compared.restart(), () => compared.kill()]) {
      await restart();
      for (const { ordinal } of forgotten) {
        const row = compared.history.read(ordinal);
        assert.deepEqual([row?.kind, row?.name], [ROW_KIND.empty, ""]);
        assert.ok(!decoder.decode(row?.body).includes("xxx"));
      }
      assert.equal(decoder.decode(compared.history.read(1)?.body), compared.listed[0]?.text);
    }
    await compared.history.close();
  });

  it("forget - erases rows from disk that are no longer in memory, and leaves the other rows of their blocks", async () => {
    const compared = await Compared.open();
    for (let row = 0; row < 3_500; row += 1) {
      const name = row < 1_200 ? (NAMES[row % 5] as string) : "42";
      const bytes = row % 400 === 0 ? 20_000 : 1_000;
      compared.append(0, row % 2 === 0 ? ROW_KIND.direct : ROW_KIND.event, name, { bytes });
      if (row % 37 === 0) await compared.history.flush();
    }
    const late = compared.listed.filter(({ name }) => name === "rj").at(-20)?.ordinal ?? 0;
    await compared.history.flush();
    let isDone = false;
    const forgetting = compared.history.forget("rj").finally(() => {
      isDone = true;
    });
    while (!isDone) {
      compared.history.read(late); // not to be remembered
      await turn();
    }
    await forgetting;
    assert.equal(compared.history.read(late)?.kind, ROW_KIND.empty);
    for (const restart of [async () => {}, () => compared.restart(), () => compared.kill()]) {
      await restart();
      for (const { ordinal, name, text } of compared.listed) {
        const row = compared.history.read(ordinal);
        if (name !== "rj") assert.equal(decoder.decode(row?.body), text);
        else {
          assert.deepEqual([row?.kind, row?.name], [ROW_KIND.empty, ""]);
          assert.ok(!decoder.decode(row?.body).includes("xxx"));
        }
      }
    }
    await compared.history.close();
  });

  it("rows larger than a chunk - can be read at once, as can the rows before and after them", async () => {
    const compared = await Compared.open({ recentBytes: 16 * MIB });
    for (const bytes of [100, 1.5 * MIB, 100, MIB, 3 * MIB, 100, 2 * MIB])
      compared.append(0, ROW_KIND.event, "42", { bytes });
    compared.check();
    for (let row = 0; row < 20; row += 1) {
      compared.append(0, ROW_KIND.event, "42", { bytes: (row % 4) * MIB });
      assert.ok(compared.history.memoryBytes < 17 * MIB, `${compared.history.memoryBytes} bytes`);
      await compared.history.flush();
    }
    compared.check();
    await compared.restart();
    compared.check();
    await compared.history.close();
  });

  it("keys - the log sorts after the facts, so that tables of rows do not overlap", () => {
    for (const key of Object.values(META)) assert.ok(key < LOG.gte, key);
  });

  it("history of another format - is refused with the folder, both formats and the remedy", async () => {
    const directory = join(tempDir(), "history");
    await (await openDatabase(directory, "history-1")).close();
    const options = {
      partitions: [0],
      lastEpoch: 0,
      bounds: UNBOUNDED,
      recentBytes: MIB,
      onTrouble: () => {},
    };
    await assert.rejects(
      History.open(directory, options),
      /\/history" has format "history-1", but this Encke reads history-2: move this folder away/,
    );
  });

  it("graph with a later epoch - makes the history begin a new epoch and report earlier ones as deleted", async () => {
    const compared = await Compared.open();
    const first = compared.append(0, ROW_KIND.event, "42");
    const { epoch } = first;
    assert.equal(compared.history.earliestDeletedAfter(0, first), undefined);
    await compared.restart({ lastEpoch: epoch + 1 });
    const second = compared.append(0, ROW_KIND.event, "42");
    assert.deepEqual([second.epoch, second.sequence], [epoch + 2, 1]);
    assert.equal(
      compared.history.earliestDeletedAfter(0, first),
      0,
      "events of an unknown time may be missing",
    );
    assert.equal(compared.history.earliestDeletedAfter(0, second), undefined);
    compared.check();
    compared.checkMissed(0, ["42"], "7", { epoch, sequence: 0 }, []);
    compared.checkMissed(0, ["42"], "7", first, []);
    await compared.restart({ lastEpoch: epoch + 2 });
    assert.equal(compared.history.epoch, epoch + 2);
    assert.equal(compared.history.earliestDeletedAfter(0, first), 0);
    compared.check();
    await compared.history.close();
  });
});

const disk = SmallDisk.mount(40);

describe("history on a full disk", {
  skip: disk === undefined ? "only root can mount a small disk" : false,
}, () => {
  const directory = join(disk?.path ?? "", "history");
  after(() => disk?.empty());

  it("disk full for a while - rows are read from memory, and written once there is space", async () => {
    const bounds = { ...UNBOUNDED, maxRows: 8_000 };
    const compared = await Compared.open({ bounds }, directory);
    for (let row = 0; row < 2_000; row += 1) compared.append(0, ROW_KIND.event, "42", { bytes: 100 });
    assert.equal(await compared.history.flush(), true);
    disk?.fill(60_000);
    for (let row = 0; row < 3_000; row += 1) {
      compared.append(0, ROW_KIND.event, NAMES[row % 3] as string, { bytes: 100 });
      if (row % 100 === 0) await compared.history.flush();
    }
    assert.equal(compared.history.trouble?.code, "GRAPH_DISK_FAILED");
    assert.equal(await compared.history.flush(), false);
    assert.ok(compared.history.refusedRows > 0);
    compared.check();

    disk?.empty();
    await waitFor("the disk to take writes", () => compared.history.trouble === undefined);
    compared.append(0, ROW_KIND.event, "42");
    assert.equal(await compared.history.flush(), true);
    compared.check();
    await compared.kill();
    compared.check();
    compared.checkMissed(0, ["42"], "7", { epoch: compared.history.epoch, sequence: 1_500 }, []);
    await compared.history.close();
  });

  it("disk full until rows leave memory - these rows are marked as lost, and the bounds hold", async () => {
    rmSync(directory, { recursive: true });
    const compared = await Compared.open({ bounds: { ...UNBOUNDED, maxRows: 8_000 } }, directory);
    for (let row = 0; row < 100; row += 1) compared.append(0, ROW_KIND.event, "42");
    await compared.history.flush();
    disk?.fill(60_000);
    for (let row = 0; row < 20_000; row += 1) {
      compared.append(0, ROW_KIND.event, "42", { bytes: 1_000 });
      if (row % 500 === 0) await compared.history.trim(0, compared.history.next);
    }
    assert.ok(compared.history.rows <= 9_000, `${compared.history.rows} rows`);
    disk?.empty();
    await waitFor("the disk to take writes", () => compared.history.trouble === undefined);
    compared.append(0, ROW_KIND.event, "42");
    assert.equal(await compared.history.flush(), true);
    await compared.history.trim(0, compared.history.next);
    await compared.kill();
    const { history } = compared;
    const kinds = new Map<RowKind | undefined, number>();
    for (let ordinal = history.first; ordinal < history.next; ordinal += 1) {
      const row = history.read(ordinal);
      kinds.set(row?.kind, (kinds.get(row?.kind) ?? 0) + 1);
      const listed = compared.listed[ordinal - 1] as Listed;
      assert.deepEqual([row?.sequence, row?.epoch], [listed.sequence, listed.epoch]);
    }
    assert.deepEqual(
      [...kinds.keys()].sort(),
      [ROW_KIND.event, ROW_KIND.lost],
      "every missing row is marked as lost",
    );
    await history.close();
  });
});
