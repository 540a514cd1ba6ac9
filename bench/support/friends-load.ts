// Events of random users at a steady rate, and how many each user has to receive: its own, and those of its
// friends. Owned by a bench.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BrokerClient } from "../../broker/index.ts";
import { EnckeCommand } from "../../test/support/command.ts";
import { tempDir } from "../../test/support/temp-dir.ts";

const PAYLOAD_CHARS = 100;

/** Generates friendships, fifteen per user, and returns their file. */
export async function generateFriendships(users: number): Promise<string> {
  const path = join(tempDir(), "friendships.txt");
  await EnckeCommand.run(["graph", "generate", "--users", String(users), "--edges", "15", "--out", path]);
  return path;
}

export class FriendsLoad {
  readonly #friends = new Map<number, number[]>();
  readonly #client: BrokerClient;
  readonly #users: number;
  /** By user, from the first: events since the start. */
  readonly counts: number[];
  /** Events so far. The next one has this number. */
  sent = 0;

  /** @param friendships the file of `generateFriendships` */
  constructor(client: BrokerClient, friendships: string, users: number) {
    this.#client = client;
    this.#users = users;
    this.counts = Array.from({ length: users }, () => 0);
    for (const line of readFileSync(friendships, "utf8").split("\n")) {
      const [one = 0, other = 0] = line.split(/\s+/).map(Number);
      if (one === 0 || other === 0) continue;
      this.#friends.set(one, [...(this.#friends.get(one) ?? []), other]);
      this.#friends.set(other, [...(this.#friends.get(other) ?? []), one]);
    }
  }

  /** Publishes at the rate while `goesOn` returns true. */
  async run(perSecond: number, goesOn: (sent: number) => boolean): Promise<void> {
    const startedAt = performance.now();
    for (let sent = 0; goesOn(sent); sent += 1) {
      this.#publish();
      const earlyMs = (sent * 1_000) / perSecond - (performance.now() - startedAt);
      if (earlyMs > 1) await delay(earlyMs);
    }
    await this.#client.flush();
  }

  #publish(): void {
    const author = 1 + Math.floor(Math.random() * this.#users);
    this.#client.publish(`event.${author}`, `{"n":${this.sent},"fill":"${"x".repeat(PAYLOAD_CHARS)}"}`);
    this.sent += 1;
    for (const reader of new Set([author, ...(this.#friends.get(author) ?? [])]))
      if (reader <= this.#users) this.counts[reader - 1] = (this.counts[reader - 1] ?? 0) + 1;
  }
}
