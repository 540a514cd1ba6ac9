// The `subject` fan-out: one NATS subscription per connected user, shared by all of that user's streams on
// this edge. The graph publishes a copy of an event per recipient and then, to each edge, the position that
// the copies have reached. About 1.1 KB of heap per user.

import {
  COPY_PREFIX,
  copySubject,
  isUserId,
  looksEncoded,
  parseEventId,
  type UserId,
} from "../../broker/contract.ts";
import {
  type BrokerClient,
  COUNT_HEADER,
  EVENT_HEADER,
  type Msg,
  type Subscribed,
} from "../../broker/index.ts";
import type { ConnectionPool } from "../pool/pool.ts";
import type { ReplayRequests } from "../seam/replay-requests.ts";
import { CatchUp } from "./catch-up.ts";
import { type Fanout, type FanoutCounts, type Floor, NO_FLOOR } from "./fanout.ts";
import type { HeldCopies } from "./held-copies.ts";
import type { LiveHoles } from "./live-holes.ts";
import { Markers } from "./markers.ts";
import type { Progress } from "./progress.ts";
import type { Readers } from "./readers.ts";

export interface SubjectFanoutOptions {
  readonly client: BrokerClient;
  readonly pool: ConnectionPool;
  /** Counts the streams of each user. */
  readonly readers: Readers;
  readonly progress: Progress;
  readonly markers: Markers;
  readonly copies: HeldCopies;
  readonly counts: FanoutCounts;
}

export class SubjectFanout implements Fanout {
  readonly #options: SubjectFanoutOptions;
  /** Indexed by handle. */
  readonly #subscriptions: (Subscribed | undefined)[] = [];
  /** The floor of each user whose copies are known to arrive, by handle. Users of one turn share theirs. */
  readonly #floors: (Floor | undefined)[] = [];
  readonly #decoder = new TextDecoder();

  constructor(options: SubjectFanoutOptions) {
    this.#options = options;
  }

  /** Throws at once if there is no handle for a user. */
  join(users: readonly UserId[]): Promise<Floor | undefined> {
    const handles = this.#options.readers.join(users);
    for (const [index, user] of users.entries()) {
      const handle = handles[index];
      if (handle !== undefined) this.#subscriptions[handle] ??= this.#subscribe(user);
    }
    if (handles.every((handle) => this.#floors[handle] !== undefined))
      return Promise.resolve(this.#highest(handles));
    return this.#prove(handles);
  }

  leave(users: readonly UserId[]): void {
    const { pool, readers } = this.#options;
    for (const handle of readers.leave(users)) {
      this.#subscriptions[handle]?.unsubscribe();
      this.#subscriptions[handle] = undefined;
      this.#floors[handle] = undefined;
      pool.table.release(handle);
    }
  }

  async #prove(handles: readonly number[]): Promise<Floor | undefined> {
    const subscriptions = handles.map((handle) => this.#subscriptions[handle]);
    const floor = await this.#options.markers.prove();
    for (const [index, handle] of handles.entries())
      if (this.#subscriptions[handle] === subscriptions[index]) this.#floors[handle] ??= floor;
    return floor;
  }

  #subscribe(user: UserId): Subscribed {
    return this.#options.client.subscribeBare(copySubject(user), this.#onMessage);
  }

  /** Returns the highest of several users' floors, as far as this edge has not passed them. */
  #highest(handles: readonly number[]): Floor {
    const { progress } = this.#options;
    const floors = handles.map((handle) => this.#floors[handle] ?? NO_FLOOR);
    return Array.from({ length: progress.positions.of }, (_, partition) =>
      Math.max(0, ...floors.map((floor) => floor[partition] ?? 0)),
    );
  }

  // an arrow function, so that all subscriptions share one callback
  readonly #onMessage = (error: Error | null, message: Msg): void => {
    const { copies, counts } = this.#options;
    counts.messages += 1;
    const user = message.subject?.slice(COPY_PREFIX.length) ?? "";
    const { headers } = message; // the library decodes headers on each access
    const id = headers?.get(EVENT_HEADER) ?? "";
    const at = parseEventId(id);
    const { data } = message;
    if (error !== null || !isUserId(user) || at === undefined || !looksEncoded(data)) {
      counts.rejected += 1;
      return;
    }
    const counted = headers?.get(COUNT_HEADER) === "1";
    copies.hold(at, { id, json: () => this.#decoder.decode(data) }, user, counted);
  };
}

export interface CreateSubjectFanoutOptions extends Omit<SubjectFanoutOptions, "markers"> {
  readonly edgeId: string;
  readonly requests: ReplayRequests;
  readonly holes: LiveHoles;
}

/** Constructs the parts of the `subject` fan-out. */
export function createSubjectFanout(options: CreateSubjectFanoutOptions): SubjectFanout {
  const { pool, holes } = options;
  const markers = new Markers(options);
  new CatchUp({ ...options, markers, table: pool.table, onHole: (hole) => holes.report(hole) });
  return new SubjectFanout({ ...options, markers });
}
