import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { tempDir } from "../../test/support/temp-dir.ts";
import { GraphStore } from "../graph-store.ts";
import type { Change, ChangeKind } from "../store/changes.ts";
import type { AuditEntry } from "./audit-log.ts";
import { decodeRecord, encodeRecord } from "./record.ts";

const change = (kind: ChangeKind, subscriber: string, topic: string): Change => ({
  kind,
  subscriber: parseUserId(subscriber),
  topic: parseTopic(topic),
});

async function allOf(store: GraphStore, topic?: string, limit = 1_000): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await store.pageAudit(topic === undefined ? undefined : parseTopic(topic), after, limit);
    entries.push(...page.entries);
    after = page.next;
  }
  return entries;
}

const textOf = (store: GraphStore, entries: readonly AuditEntry[]): string[] =>
  entries.map(({ kind, user, topic }) => `${kind} ${store.nameOf(user)} ${store.nameOf(topic)}`);

describe("audit log", () => {
  it("records - are decoded as they were encoded, and unknown bytes are an error", () => {
    const record = {
      timeMs: 1_795_000_000_123,
      changes: [
        { kind: "subscribe", user: 7, topic: 2 ** 32 - 1 },
        { kind: "unmute", user: 2 ** 31, topic: 0 },
      ] as const,
    };
    assert.deepEqual(decodeRecord(encodeRecord(record)), record);
    for (const bytes of [Uint8Array.of(), Uint8Array.of(9), encodeRecord(record).subarray(0, -1)]) {
      assert.throws(() => decodeRecord(bytes), { code: "GRAPH_DAMAGED" });
    }
  });

  it("changes with an effect - are recorded in order with their time, others are not", async () => {
    const directory = tempDir();
    const before = Date.now();
    const store = await GraphStore.open(directory);
    await store.apply([
      change("subscribe", "alice", "rj"),
      change("subscribe", "alice", "rj"),
      change("unsubscribe", "stranger", "rj"),
      change("block", "bob", "photo.1"),
      change("subscribe", "bob", "photo.1"),
    ]);
    await store.apply([change("mute", "alice", "rj"), change("unsubscribe", "alice", "rj")]);
    await store.close();
    const again = await GraphStore.open(directory);
    const entries = await allOf(again);
    assert.deepEqual(textOf(again, entries), [
      "subscribe alice rj",
      "block bob photo.1",
      "mute alice rj",
      "unsubscribe alice rj",
    ]);
    assert.deepEqual(
      entries.map(({ sequence }) => sequence),
      [1, 2, 3, 4],
    );
    for (const { timeMs } of entries) assert.ok(timeMs >= before && timeMs <= Date.now());
    await again.apply([change("unblock", "bob", "photo.1")]);
    assert.equal(again.audit.last, 5, "numbers continue after a restart");
    assert.deepEqual(textOf(again, await allOf(again, "photo.1")), [
      "block bob photo.1",
      "unblock bob photo.1",
    ]);
    assert.deepEqual(await allOf(again, "never-heard-of"), []);
    await again.close();
  });

  it("pages - cover every change once, even if a topic's changes are far apart", async () => {
    const store = await GraphStore.open(tempDir());
    const many = Array.from({ length: 50_000 }, (_, index) =>
      change("subscribe", String(index), index % 10_000 === 0 ? "rare" : "common"),
    );
    await store.apply(many);
    for (const limit of [7_000, 50_000]) {
      const entries = await allOf(store, undefined, limit);
      assert.deepEqual(
        entries.map(({ user }) => user),
        many.map((_, index) => index),
      );
    }
    assert.deepEqual(
      (await allOf(store, "rare", 2)).map(({ user }) => user),
      [0, 10_000, 20_000, 30_000, 40_000],
    );
    await store.close();
  });

  it("more changes than are kept - trims the oldest and counts them, and keeps the numbers of the newest", async () => {
    const directory = tempDir();
    const store = await GraphStore.open(directory, { keepChanges: 2_000 });
    for (let round = 0; round < 30; round += 1) {
      await store.apply(
        Array.from({ length: 500 }, (_, index) => change("subscribe", `${round * 500 + index}`, "rj")),
      );
    }
    await store.close(); // waits for trimming, so that it cannot affect the pages below
    const { last, length, trimmed, failedTrims } = store.audit;
    const again = await GraphStore.open(directory, { keepChanges: 2_000 });
    assert.deepEqual([last, failedTrims], [15_000, 0]);
    assert.ok(length >= 2_000 && length <= 3_500, `${length} kept`);
    assert.equal(trimmed, last - length);
    const entries = await allOf(again);
    assert.deepEqual(
      entries.map(({ sequence }) => sequence),
      Array.from({ length }, (_, index) => last - length + 1 + index),
    );
    assert.equal((await again.pageAudit(undefined, 0, 1)).oldest, last - length + 1);
    assert.deepEqual([again.audit.last, again.audit.length], [last, length]);
    await again.close();
  });
});
