// Tells edges that a user no longer receives a topic: after an unfollow, a mute or a block, and when the
// events of a name are erased. Edges then remove the events that they hold for the user and have not written,
// in order with the events that follow. An edge in `frames` mode is told if it has announced the user, or is
// still announcing its users; an edge in `subject` mode always, because it announces none. Stateless.

import { FRAME_KIND, ownerOf, type Topic } from "../../broker/contract.ts";
import { type BrokerClient, encodeWithdrawal, type Withdrawal } from "../../broker/index.ts";
import { quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import type { Begun } from "../fanout/begun.ts";
import type { EdgeMessages } from "../fanout/edge-messages.ts";
import type { GraphStore } from "../graph-store.ts";
import type { History } from "../history/history.ts";
import type { Partitions } from "../partitions.ts";
import type { EdgeLink, EdgeRegistry } from "../presence/edge-registry.ts";
import type { OnlineTable } from "../presence/online-table.ts";
import { positionFor } from "./position-for.ts";

/** Followers handled per turn when a topic is erased. */
const FOLLOWERS_PER_TURN = 1_024;

export interface WithdrawalsOptions {
  readonly client: Pick<BrokerClient, "flush">;
  readonly store: GraphStore;
  readonly history: Pick<History, "forget">;
  readonly partitions: Partitions;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  readonly messages: Pick<EdgeMessages, "tell">;
  readonly begun: Pick<Begun, "at">;
}

export class Withdrawals {
  readonly #options: WithdrawalsOptions;
  /** Messages sent to edges. */
  sent = 0;

  constructor(options: WithdrawalsOptions) {
    this.#options = options;
  }

  /** Tells edges of every change to the graph that ends a user's delivery of a topic. */
  begin(): void {
    this.#options.store.onEnded((user, topic) => this.#withdraw({ user, topic }));
  }

  /**
   * Erases the events of a topic and, if it is a user's, the messages to the user: from the history, and from
   * what edges hold. Resolves when the history no longer has them and the edges have been told. O(rows of the
   * name, and followers).
   * @throws GraphError BAD_REQUEST if another service owns the name; GRAPH_DISK_FAILED, GRAPH_REOPENING: some
   * may still be on disk; call it again
   */
  async forget(name: Topic): Promise<void> {
    const { client, history, store, partitions } = this.#options;
    if (!partitions.owns(name))
      throw new GraphError("BAD_REQUEST", `another service owns the partition of ${quote(name)}: ask it`);
    await history.forget(name);
    const owner = ownerOf(name);
    if (owner !== undefined) {
      this.#withdraw({ user: owner }); // messages
      this.#withdraw({ user: owner, topic: name });
    }
    // copied: a set is valid only until the store's next call
    const followers = await store.read(() => [...store.followers(name)].map((set) => set.slice()));
    for (const set of followers)
      for (let from = 0; from < set.length; from += FOLLOWERS_PER_TURN) {
        for (const id of set.subarray(from, from + FOLLOWERS_PER_TURN))
          this.#withdraw({ user: store.nameOf(id), topic: name });
        await client.flush().catch(() => {}); // while NATS is away, the edges' presence ends, too
      }
  }

  #withdraw(withdrawal: { readonly user: string; readonly topic?: string }): void {
    const { partitions, messages, begun } = this.#options;
    const partition = partitions.partitionOf(withdrawal.topic ?? withdrawal.user);
    const body = encodeWithdrawal(withdrawal satisfies Withdrawal);
    for (const edge of this.#edgesOf(withdrawal.user)) {
      messages.tell(edge, partition, FRAME_KIND.withdraw, body, positionFor(edge, begun.at(partition)));
      this.sent += 1;
    }
  }

  /** Returns the edges that may hold events for a user. */
  *#edgesOf(user: string): Iterable<EdgeLink> {
    const { registry, online } = this.#options;
    for (const edge of registry.all())
      if (edge.presence.mode === "subject" || !edge.presence.isComplete) yield edge;
    for (let entry = online.firstOf(user); entry !== -1; entry = online.next(entry)) {
      const edge = registry.at(online.slot(entry));
      if (edge?.presence.mode === "frames" && edge.presence.isComplete) yield edge;
    }
  }
}
