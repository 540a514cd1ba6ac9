// Follows and unfollows that are made while faults happen, each repeated until the graph has acknowledged it,
// and the comparison of the graph's own lists with them at the end. At most one change per user is being made
// at a time. Owned by the test, which stops it.

import { setTimeout as delay } from "node:timers/promises";
import type { BrokerClient } from "../../broker/index.ts";
import type { Random } from "../../graph/index.ts";
import type { Ledger } from "../resume/checker.ts";
import { ask, readPages } from "../support/client.ts";

const MAX_PAUSE_MS = 600;
const AGAIN_MS = 100;
/** What a service replies while its disk or its directory is not available: the change may be sent again. */
const TEMPORARY: ReadonlySet<number> = new Set([503, 507]);

export interface ChangingFollowsOptions {
  readonly client: BrokerClient;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly users: readonly string[];
  readonly topics: readonly string[];
}

export class ChangingFollows {
  readonly #options: ChangingFollowsOptions;
  #changing: Promise<void>[] = [];
  #isStopping = false;
  acknowledged = 0;

  constructor(options: ChangingFollowsOptions) {
    this.#options = options;
  }

  /** Begins with this many changes at a time. */
  start(atOnce: number): void {
    const { users } = this.#options;
    this.#changing = Array.from({ length: atOnce }, (_, nth) => {
      const changing = this.#change(users.filter((_user, index) => index % atOnce === nth));
      changing.catch(() => {}); // thrown by `stop`
      return changing;
    });
  }

  /** Resolves when the last change has been acknowledged. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#changing);
  }

  /** Lists the follows that differ between the graph and what it has acknowledged. */
  async differences(): Promise<string[]> {
    const { client, ledger, users, topics } = this.#options;
    const found: string[] = [];
    for (const topic of topics) {
      const stored = new Set((await readPages(client, "subscribers", topic)).names);
      for (const user of users) {
        if (ledger.follows(user, topic) === stored.has(user)) continue;
        found.push(`${user} ${stored.has(user) ? "still follows" : "does not follow"} ${topic}`);
      }
    }
    return found;
  }

  async #change(users: readonly string[]): Promise<void> {
    const { random, topics, ledger } = this.#options;
    while (!this.#isStopping) {
      const user = users[random.below(users.length)] as string;
      const topic = topics[random.below(topics.length)] as string;
      if (user !== topic) {
        if (ledger.follows(user, topic)) await this.#unfollow(user, topic);
        else await this.#follow(user, topic);
      }
      await delay(random.below(MAX_PAUSE_MS));
    }
  }

  async #follow(user: string, topic: string): Promise<void> {
    this.#options.ledger.requestFollow(user, topic);
    await this.#acknowledge(`graph.subscribe.${topic}`, user);
    this.#options.ledger.follow(user, topic);
  }

  async #unfollow(user: string, topic: string): Promise<void> {
    this.#options.ledger.requestUnfollow(user, topic);
    await this.#acknowledge(`graph.unsubscribe.${topic}`, user);
    this.#options.ledger.unfollow(user, topic);
  }

  async #acknowledge(subject: string, user: string): Promise<void> {
    for (;;) {
      const reply = await ask(this.#options.client, subject, user).catch(() => undefined);
      if (reply !== undefined && reply.problem === undefined) break;
      if (reply?.problem !== undefined && !TEMPORARY.has(reply.problem.code))
        throw new Error(`${subject} ${user}: ${reply.problem.message}`);
      await delay(AGAIN_MS);
    }
    this.acknowledged += 1;
  }
}
