// Changes determined by a seed and a number, so that two processes can compute the same ones.

import { parseTopic, parseUserId } from "../../broker/contract.ts";
import { CHANGE_KINDS, type Change, Random } from "../../graph/index.ts";

const USERS: readonly string[] = Array.from({ length: 120 }, (_, index) =>
  index % 3 === 0 ? `user-${index}` : String(index),
);
const TOPICS: readonly string[] = [...USERS.slice(0, 40), "photo.789", "a.b.c.d"];

/** Returns one to four changes, most of them follows. */
export function changesOf(seed: number, number: number): Change[] {
  const random = new Random(seed * 1_000_003 + number);
  const of = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  return Array.from({ length: 1 + random.below(4) }, () => ({
    kind: random.below(2) === 0 ? "subscribe" : of(CHANGE_KINDS),
    subscriber: parseUserId(of(USERS)),
    topic: parseTopic(of(TOPICS)),
  }));
}

/** Every user and topic that these changes can touch. */
export const everyUser: readonly string[] = USERS;
export const everyTopic: readonly string[] = TOPICS;
