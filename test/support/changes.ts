// Changes and lists in the short form in which tests write them.

import { parseTopic, parseUserId, type Topic } from "../../broker/contract.ts";
import type { Change, ChangeKind, GraphStore, Partitions } from "../../graph/index.ts";

export function change(kind: ChangeKind, user: string, topic: string): Change {
  return { kind, subscriber: parseUserId(user), topic: parseTopic(topic) };
}

export function follow(user: string, topic: string): Change {
  return change("subscribe", user, topic);
}

/** Returns up to 1,000 followers of a topic in the store's order. */
export function followersOf(store: GraphStore, topic: string): readonly string[] {
  return store.pageFollowers(parseTopic(topic), undefined, 1_000).names;
}

/** Returns one topic of each partition. */
export function topicsOf(partitions: Partitions): readonly Topic[] {
  return partitions.owned.map((partition) => {
    for (let name = 0; ; name += 1) {
      const topic = parseTopic(`topic-${name}`);
      if (partitions.partitionOf(topic) === partition) return topic;
    }
  });
}
