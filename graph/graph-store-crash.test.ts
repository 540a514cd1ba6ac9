// Separate processes: acknowledged changes survive kill -9, and only one process at a time can open a
// directory.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseTopic, parseUserId } from "../broker/contract.ts";
import { projectRoot } from "../lib/project.ts";
import { changesOf, everyTopic, everyUser } from "../test/support/random-changes.ts";
import { tempDir } from "../test/support/temp-dir.ts";
import { waitFor } from "../test/support/wait-for.ts";
import { GraphStore } from "./graph-store.ts";
import type { Change } from "./store/changes.ts";

const ROUNDS = 20;
const PROGRAM = join(projectRoot, "dist", "test", "support", "changing-graph.js");

class ChangingGraph {
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;
  output = "";

  constructor(directory: string, seed: number) {
    this.#process = spawn(process.execPath, [PROGRAM, directory, String(seed)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#closed = once(this.#process, "close");
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
  }

  /** The number of changes reported as acknowledged. A line truncated by the kill does not count. */
  get acknowledged(): number {
    return Number(this.output.split("\n").at(-2) ?? 0);
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#closed;
  }

  async untilExit(): Promise<number | null> {
    await this.#closed;
    return this.#process.exitCode;
  }
}

/** A second implementation of the rules, with plain sets. */
class Model {
  readonly receiving = new Set<string>();
  readonly muted = new Set<string>();
  readonly blocked = new Set<string>();

  /** Returns whether the change has an effect. */
  apply({ kind, subscriber, topic }: Change): boolean {
    const { receiving, muted, blocked } = this;
    const pair = `${subscriber} ${topic}`;
    if (subscriber === topic) return false;
    const move = (from: Set<string>, to: Set<string>): boolean => {
      if (!from.delete(pair)) return false;
      to.add(pair);
      return true;
    };
    switch (kind) {
      case "subscribe":
        if (blocked.has(pair) || muted.has(pair) || receiving.has(pair)) return false;
        receiving.add(pair);
        return true;
      case "unsubscribe":
        return receiving.delete(pair) || muted.delete(pair);
      case "block":
        if (blocked.has(pair)) return false;
        receiving.delete(pair);
        muted.delete(pair);
        blocked.add(pair);
        return true;
      case "unblock":
        return blocked.delete(pair);
      case "mute":
        return move(receiving, muted);
      case "unmute":
        return move(muted, receiving);
    }
  }
}

function rowsOf(store: GraphStore): Record<"receiving" | "muted" | "blocked" | "following", string[]> {
  const max = everyUser.length;
  const topics = everyTopic.map(parseTopic);
  const pairs = (list: (topic: (typeof topics)[number]) => readonly string[]): string[] =>
    topics.flatMap((topic) => list(topic).map((user) => `${user} ${topic}`)).sort();
  return {
    receiving: pairs((topic) =>
      [...store.followers(topic)].flatMap((ids) => [...ids].map((id) => store.nameOf(id))),
    ),
    muted: pairs((topic) => store.pageMuted(topic, undefined, max).names),
    blocked: pairs((topic) => store.pageBlocked(topic, undefined, max).names),
    following: everyUser
      .flatMap((user) => {
        const { names } = store.pageSubscriptions(parseUserId(user), undefined, topics.length);
        return names.map((topic) => `${user} ${topic}`);
      })
      .sort(),
  };
}

describe("graph store, killed", () => {
  it(`${ROUNDS} rounds of kill -9 during writes - lose no acknowledged change, and the audit explains every row`, async () => {
    const directory = tempDir();
    const model = new Model();
    let sequence = 0;
    let changes = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const process = new ChangingGraph(directory, round);
      const enough = 50 + ((round * 37) % 300);
      await waitFor(`${enough} acknowledged`, () => process.acknowledged >= enough);
      await process.kill();

      const store = await GraphStore.open(directory);
      // replays the submitted changes in order, as far as the audit goes, and to the end of the list
      // submitted with the last
      const found: string[] = [];
      for (let after: number | undefined = sequence; after !== undefined; ) {
        const page = await store.pageAudit(undefined, after, 1_000);
        for (const { kind, user, topic } of page.entries)
          found.push(`${kind} ${store.nameOf(user)} ${store.nameOf(topic)}`);
        after = page.next;
      }
      const expected: string[] = [];
      let number = 0;
      for (; number < process.acknowledged || expected.length < found.length; number += 1) {
        for (const change of changesOf(round, number)) {
          if (model.apply(change)) expected.push(`${change.kind} ${change.subscriber} ${change.topic}`);
        }
      }
      assert.deepEqual(found, expected, `round ${round}`);
      sequence = store.audit.last;
      changes += found.length;
      assert.equal(sequence, changes);

      const rows = rowsOf(store);
      assert.deepEqual(rows.receiving, [...model.receiving].sort());
      assert.deepEqual(rows.muted, [...model.muted].sort());
      assert.deepEqual(rows.blocked, [...model.blocked].sort());
      assert.deepEqual(rows.following, [...model.receiving, ...model.muted].sort());
      assert.equal(store.follows, rows.following.length);
      await store.close();
    }
    assert.ok(changes > ROUNDS * 50);
  });

  it("a second process - is refused the directory, even after a failed second open in the first", async () => {
    const directory = tempDir();
    const store = await GraphStore.open(directory);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await assert.rejects(GraphStore.open(directory), { code: "GRAPH_DIR_BUSY" });
      const second = new ChangingGraph(directory, 1);
      assert.equal(await second.untilExit(), 1);
      assert.equal(second.output, "GRAPH_DIR_BUSY\n");
    }
    const change = changesOf(0, 0);
    await store.apply(change);
    await store.close();
  });
});
