// Where the catch-up of an edge starts in the history, by the positions that the edge named. An edge that was
// elsewhere, or away for longer than the history reaches back, is told of a hole instead and continues at
// what is begun. Stateless.

import { FRAME_KIND, type ResyncReason } from "../../broker/contract.ts";
import { type EdgePosition, encodeHole } from "../../broker/index.ts";
import type { History } from "../history/history.ts";
import { makeHole } from "../history/hole.ts";
import type { Position } from "../history/sequences.ts";
import type { EdgeLink } from "../presence/edge-registry.ts";
import type { Begun } from "./begun.ts";
import type { EdgeMessages } from "./edge-messages.ts";

export interface StartingPointsOptions {
  readonly history: History;
  readonly begun: Begun;
  readonly messages: EdgeMessages;
  /** The partitions of this service. */
  readonly partitions: readonly number[];
  /** Rows before this ordinal are too old to be sent to edges. */
  readonly tooLateBefore: number;
}

/** What an edge is sent first. */
export interface StartingPoint {
  /** Ordinals of the events that were open at the edge. */
  readonly open: number[];
  /** The ordinal of the first row that it may lack. */
  readonly next: number;
}

export class StartingPoints {
  readonly #options: StartingPointsOptions;

  constructor(options: StartingPointsOptions) {
    this.#options = options;
  }

  /** Returns where an edge that begins a presence epoch starts, and tells it of holes. */
  begin(edge: EdgeLink): StartingPoint {
    const { partitions, history } = this.#options;
    const open: number[] = [];
    for (const partition of partitions) {
      const named = edge.presence.positionIn(partition);
      if (named === undefined || this.#skips(edge, named)) continue;
      for (const sequence of named.open) {
        const ordinal = history.ordinalAt(partition, { epoch: named.epoch, sequence });
        if (ordinal !== undefined) open.push(ordinal);
      }
    }
    return { open, next: this.#nextOf(edge) };
  }

  /** Returns where an edge goes on whose next rows were deleted, after it is told of the hole. */
  again(edge: EdgeLink): number {
    const { partitions, messages } = this.#options;
    for (const partition of partitions) {
      if (edge.presence.positionIn(partition) === undefined) continue;
      this.#skips(edge, { partition, ...messages.reached(edge, partition), open: [] });
    }
    return this.#nextOf(edge);
  }

  #nextOf(edge: EdgeLink): number {
    const { partitions, history, begun, messages } = this.#options;
    const named = partitions.filter((partition) => edge.presence.positionIn(partition) !== undefined);
    const after = named.map((partition) =>
      history.ordinalAfter(partition, messages.reached(edge, partition)),
    );
    return Math.min(begun.next, ...after);
  }

  /** Moves an edge that cannot be sent what it lacks to what is begun. Returns whether it had to. */
  #skips(edge: EdgeLink, at: EdgePosition): boolean {
    const { history, begun, messages } = this.#options;
    const { partition } = at;
    const reason = this.#reasonAgainst(at);
    if (reason === undefined) return false;
    const hole = makeHole(reason, history.earliestAfter(partition, lowest(at)), history.oldestMs);
    messages.tell(edge, partition, FRAME_KIND.hole, encodeHole(hole), begun.at(partition));
    return true;
  }

  #reasonAgainst(at: EdgePosition): ResyncReason | undefined {
    const { history, begun, tooLateBefore } = this.#options;
    const last = begun.at(at.partition);
    if (at.epoch !== last.epoch || at.sequence > last.sequence) return "unknown-cursor";
    if (history.earliestDeletedAfter(at.partition, lowest(at)) !== undefined) return "too-old";
    return history.ordinalAfter(at.partition, lowest(at)) < tooLateBefore ? "late" : undefined;
  }
}

/** Returns the position below everything that may be missing after another one. */
function lowest({ epoch, sequence, open }: EdgePosition): Position {
  return { epoch, sequence: Math.min(sequence, ...open.map((first) => first - 1)) };
}
