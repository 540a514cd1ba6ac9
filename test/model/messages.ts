// Messages between owners, edges and readers. Every channel is first in, first out, and may lose its end.

import type { Position } from "./position.ts";

export type Mode = "frames" | "subject";

/** A record of a frame. Handles identify users at the edge that assigned them. */
export type Record =
  | { readonly kind: "event"; readonly seq: number; readonly handles: readonly number[] }
  | { readonly kind: "open"; readonly seq: number }
  | { readonly kind: "part"; readonly seq: number; readonly handles: readonly number[] }
  | { readonly kind: "close"; readonly seq: number }
  | { readonly kind: "restart"; readonly seq: number }
  /** Everything up to `to` is no longer stored. */
  | { readonly kind: "late"; readonly to: number }
  /** A user no longer follows a topic; `ending` counts how often that has happened. */
  | Withdrawal;

export interface Withdrawal {
  readonly kind: "withdraw";
  readonly user: number;
  readonly topic: number;
  readonly ending: number;
  /** The last event that had begun before. */
  readonly upTo: number;
}

export interface Frame {
  readonly kind: "frame";
  /** Number of the frame within its presence epoch: a gap reveals a lost frame. */
  readonly number: number;
  readonly records: readonly Record[];
  /** Everything that has begun up to this event was sent before or is in this frame. */
  readonly to: number;
}

/** Owner → edge. `owner` and `epoch` identify the owner's start and the presence epoch of the message. */
export type ToEdge = { readonly owner: number; readonly epoch: number } & (
  | Frame
  | { readonly kind: "announce" }
  /** The edge's beat does not continue what the owner knows: the edge begins another presence epoch. */
  | { readonly kind: "restart" }
  | { readonly kind: "acknowledge"; readonly delta: number }
  /** `subject` mode: one recipient's copy. */
  | { readonly kind: "copy"; readonly seq: number; readonly user: number }
  /** `subject` mode: proves that copies for a user arrive after this position. */
  | { readonly kind: "marker"; readonly user: number; readonly subscription: number; readonly at: Position }
  | {
      readonly kind: "replayed";
      readonly stream: number;
      readonly events: readonly number[];
      readonly complete: boolean;
    }
);

/** Edge → owner. */
export type ToOwner =
  | {
      readonly kind: "snapshot";
      readonly mode: Mode;
      readonly epoch: number;
      readonly users: ReadonlyMap<number, number>;
      /** Undefined before the edge has received anything. */
      readonly position: Position | undefined;
    }
  | {
      readonly kind: "delta";
      readonly epoch: number;
      readonly delta: number;
      readonly join?: { readonly user: number; readonly handle: number };
      readonly leave?: number;
    }
  /** `subject` mode: sent by the edge's NATS client on the same connection, which preserves the order. */
  | { readonly kind: "subscribe"; readonly user: number; readonly on: boolean }
  /** Requests a marker that follows the subscription with this number. */
  | { readonly kind: "mark"; readonly user: number; readonly subscription: number }
  | {
      readonly kind: "replay";
      readonly epoch: number;
      readonly stream: number;
      readonly user: number;
      readonly after: Position;
      readonly upTo: number;
    };

/** Edge → every owner and standby of a partition, once a second. */
export interface EdgeBeat {
  readonly epoch: number;
  readonly delta: number;
  /** The newest start or term of an owner that the edge has accepted. */
  readonly owner: number;
}

/** Edge → reader, over TCP. */
export interface Block {
  readonly partition?: number;
  readonly seq?: number;
  /** The stream may lack events up to these positions. */
  readonly resync?: readonly Position[];
  /** Beginning of a first stream: events after these positions are owed to the reader. */
  readonly start?: readonly Position[];
  readonly cursor: readonly Position[];
}
