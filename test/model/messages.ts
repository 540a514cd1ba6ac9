// What owners, edges and readers send each other. Every channel is first in, first out, and may lose its end.

import type { Position } from "./position.ts";

export type Mode = "frames" | "subject";

/** A part of a frame. Handles name users at the edge that lent them. */
export type Record =
  | { readonly kind: "event"; readonly seq: number; readonly handles: readonly number[] }
  | { readonly kind: "open"; readonly seq: number }
  | { readonly kind: "part"; readonly seq: number; readonly handles: readonly number[] }
  | { readonly kind: "close"; readonly seq: number }
  | { readonly kind: "restart"; readonly seq: number }
  /** Everything up to `to` is no longer stored. */
  | { readonly kind: "late"; readonly to: number }
  /** A user no longer follows a topic; `ending` counts how often that was so. */
  | Withdrawal;

export interface Withdrawal {
  readonly kind: "withdraw";
  readonly user: number;
  readonly topic: number;
  readonly ending: number;
  /** The newest event that was begun before. */
  readonly upTo: number;
}

export interface Frame {
  readonly kind: "frame";
  /** Counts the frames of a presence epoch: a hole shows that one was lost. */
  readonly number: number;
  readonly records: readonly Record[];
  /** Everything begun up to here was sent before, or is in this frame. */
  readonly to: number;
}

/** Owner → edge; `owner` and `epoch` say to which start and which presence epoch it belongs. */
export type ToEdge = { readonly owner: number; readonly epoch: number } & (
  | Frame
  | { readonly kind: "announce" }
  | { readonly kind: "acknowledge"; readonly delta: number }
  /** `subject` mode: one recipient's copy. */
  | { readonly kind: "copy"; readonly seq: number; readonly user: number }
  /** `subject` mode: proves that copies for a user arrive, and from where on. */
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
      /** Undefined before the edge has heard anything. */
      readonly position: Position | undefined;
    }
  | {
      readonly kind: "delta";
      readonly epoch: number;
      readonly delta: number;
      readonly join?: { readonly user: number; readonly handle: number };
      readonly leave?: number;
    }
  /** `subject` mode: what the edge's NATS client says on its way; the connection keeps the order. */
  | { readonly kind: "subscribe"; readonly user: number; readonly on: boolean }
  /** Asks for a marker behind the subscription with this number. */
  | { readonly kind: "mark"; readonly user: number; readonly subscription: number }
  | {
      readonly kind: "replay";
      readonly epoch: number;
      readonly stream: number;
      readonly user: number;
      readonly after: Position;
      readonly upTo: number;
    };

/** Edge → reader, over TCP. */
export interface Block {
  readonly partition?: number;
  readonly seq?: number;
  /** The stream may miss events up to these positions. */
  readonly resync?: readonly Position[];
  /** A first stream: what comes after these positions is owed. */
  readonly start?: readonly Position[];
  readonly cursor: readonly Position[];
}
