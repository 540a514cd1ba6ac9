// One user as a replay sees it: which rows of a partition's history are for the user at this moment. As in
// the fan-out, these are the messages to the user and the events of the user's own topic and of every
// followed topic that is not muted (a blocked user follows nothing). Created for one page and then discarded;
// holds the ids of the user's follows in the meantime.

import { partitionOf } from "../../broker/contract.ts";
import type { GraphStore } from "../graph-store.ts";
import type { UserTags } from "../history/finder.ts";
import { ROW_KIND, type Row } from "../history/row.ts";
import { tagOf } from "../history/tags.ts";
import type { Partitions } from "../partitions.ts";
import { lowerBound } from "../store/ids.ts";
import { isOwnName } from "../store/names.ts";

/** What a recipient is looked up in. */
export interface RecipientSources {
  readonly store: Pick<GraphStore, "idOf" | "nameOf" | "followedBy" | "receives">;
  readonly partitions: Pick<Partitions, "of" | "owned">;
}

export class Recipient {
  readonly #sources: RecipientSources;
  readonly #partition: number;
  readonly #user: string;
  readonly #userId: number | undefined;
  /** Ids of the followed topics, muted ones included, as ascending sets. */
  readonly #follows: readonly Uint32Array[];
  /** By topic, for the topics that were looked up. */
  readonly #received = new Map<string, boolean>();

  constructor(sources: RecipientSources, partition: number, user: string) {
    this.#sources = sources;
    this.#partition = partition;
    this.#user = user;
    this.#userId = sources.store.idOf(user);
    this.#follows = this.#userId === undefined ? [] : [...sources.store.followedBy(this.#userId)];
  }

  /** The names whose rows may be for the user, including muted topics, which are rare. */
  get tags(): UserTags {
    return this.#tagsOf(() => true);
  }

  /** The same without muted topics. Takes one read per followed topic. */
  get exactTags(): UserTags {
    return this.#tagsOf((topic) => this.#receivesFrom(topic));
  }

  /** Returns whether the user is to receive a row. Names are compared, because they can share a tag. */
  receives({ kind, name }: Row): boolean {
    if (kind === ROW_KIND.direct) return name === this.#user;
    if (kind !== ROW_KIND.event) return false;
    if (name === this.#user) return true;
    let isReceived = this.#received.get(name);
    if (isReceived === undefined) {
      const topic = this.#sources.store.idOf(name);
      isReceived = topic !== undefined && this.#isFollowed(topic) && this.#receivesFrom(topic);
      this.#received.set(name, isReceived);
    }
    return isReceived;
  }

  #tagsOf(isWanted: (topic: number) => boolean): UserTags {
    const { partitions, store } = this.#sources;
    // the rows of a user hold the topics of all owned partitions, and a chain may only be followed in its own
    const isMixed = partitions.owned.length > 1;
    const topics: number[] = [];
    const hashed = new Set<number>(); // two followed names can share a tag
    for (const set of this.#follows)
      for (const topic of set) {
        if (isMixed && !this.#isHere(store.nameOf(topic))) continue;
        if (!isWanted(topic)) continue;
        if (isOwnName(topic)) topics.push(topic);
        else hashed.add(tagOf(store.nameOf(topic)));
      }
    const user = this.#isHere(this.#user) ? this.#ownTag : undefined;
    if (user !== undefined) hashed.add(user);
    topics.push(...hashed);
    return { topics, user };
  }

  get #ownTag(): number {
    const id = this.#userId;
    return id !== undefined && isOwnName(id) ? id : tagOf(this.#user);
  }

  #isHere(name: string): boolean {
    const { of } = this.#sources.partitions;
    return of === 1 || partitionOf(name, of) === this.#partition;
  }

  #isFollowed(topic: number): boolean {
    return this.#follows.some((ids) => ids[lowerBound(ids, topic)] === topic);
  }

  #receivesFrom(followed: number): boolean {
    return this.#userId !== undefined && this.#sources.store.receives(this.#userId, followed);
  }
}
