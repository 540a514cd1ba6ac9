// A part of the site that can fail: a NATS node, a graph service, an edge, or the clients. Faults know parts
// only by this interface.

import type { LossyProxy } from "../support/lossy-proxy.ts";
import type { SmallDisk } from "../support/small-disk.ts";
import type { WallClock } from "../support/wall-clock.ts";

export type PartKind = "nats" | "route" | "graph" | "edge" | "clients";

export interface Part {
  readonly name: string;
  readonly kind: PartKind;
  /** Links between this part and NATS. */
  readonly links: readonly LossyProxy[];
  /** Subjects of messages to this part whose loss must be noticed. */
  readonly noticed?: RegExp | undefined;
  readonly program?: Program | undefined;
  readonly clock?: WallClock | undefined;
  /** The disk on which it writes; undefined if it has none of its own. */
  readonly disk?: SmallDisk | undefined;
}

/** The processes of a part. */
export interface Program {
  /** The processes that a fault stops or kills: of an edge, its workers. */
  pids(): readonly number[];
  /** Stops it as its operator does, and waits for its end. */
  stop(): Promise<void>;
  /** Starts it on the same addresses and folders, and resolves when it runs. */
  start(): Promise<void>;
  /** Whether a supervisor of its own starts it again when it was killed. */
  readonly isSupervised: boolean;
  /** Resolves when it has ended after it was killed; not for one that is supervised. */
  untilEnded(): Promise<void>;
  isReady(): Promise<boolean>;
}
