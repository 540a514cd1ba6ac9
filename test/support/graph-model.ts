// A second implementation of the rules of changes, with plain sets, and what a store holds in the same form.

import assert from "node:assert/strict";
import { parseTopic, parseUserId } from "../../broker/contract.ts";
import type { Change, GraphStore } from "../../graph/index.ts";
import { everyTopic, everyUser } from "./random-changes.ts";

export class GraphModel {
  readonly receiving: Set<string> = new Set();
  readonly muted: Set<string> = new Set();
  readonly blocked: Set<string> = new Set();

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

  /** Asserts that a store's rows, in both directions, and its counts are those of the model. */
  assertEqual(store: GraphStore, message?: string): void {
    const rows = rowsOf(store);
    const following = [...this.receiving, ...this.muted].sort();
    const expected = {
      receiving: [...this.receiving].sort(),
      muted: [...this.muted].sort(),
      blocked: [...this.blocked].sort(),
      following,
    };
    assert.deepEqual(rows, expected, message);
    assert.equal(store.follows, following.length, message);
  }
}

/** Returns the rows of everything that random changes can touch, as sorted pairs `user topic`. */
export function rowsOf(store: GraphStore): Record<"receiving" | "muted" | "blocked" | "following", string[]> {
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

/** Returns the changes of a store's audit after a number, as `kind user topic`, with their times. */
export async function auditOf(store: GraphStore, after = 0): Promise<{ changes: string[]; times: number[] }> {
  const changes: string[] = [];
  const times: number[] = [];
  for (let next: number | undefined = after; next !== undefined; ) {
    const page = await store.pageAudit(undefined, next, 1_000);
    for (const { kind, user, topic, timeMs } of page.entries) {
      changes.push(`${kind} ${store.nameOf(user)} ${store.nameOf(topic)}`);
      times.push(timeMs);
    }
    next = page.next;
  }
  return { changes, times };
}
