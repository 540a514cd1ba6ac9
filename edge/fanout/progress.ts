// How far this edge has come in each partition, as the graph's messages and acknowledgements report it. A
// message is accepted only if it directly follows the one before it; a gap means that one was lost, and the
// edge then begins a presence epoch with its positions. Owned by the assembled edge, with one entry per
// partition. Readers' cursors are taken from here.

import {
  CursorClock,
  type EventPosition,
  type FrameHead,
  type Position,
  Positions,
} from "../../broker/contract.ts";
import type { EdgePosition, SentPosition } from "../../broker/index.ts";

/**
 * move: a message was handled or positions were acknowledged. epoch: a presence epoch begins. in-step: every
 * owner knows the users of this epoch. released: positions that were held may move again.
 */
export type Moment = "move" | "epoch" | "in-step" | "released";

export class Progress {
  readonly clock: CursorClock = new CursorClock();
  /** Whether positions stay where they are, because something before the owners' is still being fetched. */
  isHeld = false;
  #positions = new Positions([]);
  /** By partition: the number of the last message of this presence epoch. */
  #numbers: number[] = [];
  /** By partition: how often its owner has said where it is. */
  #acknowledgements: number[] = [];
  readonly #listeners: Readonly<Record<Moment, (() => void)[]>> = {
    move: [],
    epoch: [],
    "in-step": [],
    released: [],
  };

  get positions(): Positions {
    return this.#positions;
  }

  /** Registers a listener. */
  on(moment: Moment, listener: () => void): void {
    this.#listeners[moment].push(listener);
  }

  /** Tells the listeners that a moment has come. */
  emit(moment: Moment): void {
    for (const listener of this.#listeners[moment]) listener();
  }

  /**
   * Sets the number of partitions. Returns whether positions were discarded, because they belong to another
   * division of the topics.
   */
  divide(of: number): boolean {
    if (of === this.#positions.of) return false;
    const discards = this.#positions.of > 0;
    this.#positions = new Positions(Array.from({ length: of }, () => undefined));
    this.#numbers = Array.from({ length: of }, () => 0);
    this.#acknowledgements = Array.from({ length: of }, () => 0);
    return discards;
  }

  /** Begins a presence epoch, in which messages are numbered from 1. */
  beginEpoch(): void {
    this.#numbers.fill(0);
    this.emit("epoch");
  }

  /** Accepts the next message of a partition. Returns false if one before it was lost. */
  accept({ partition, number }: FrameHead): boolean {
    if (number !== (this.#numbers[partition] ?? 0) + 1) return false;
    this.#numbers[partition] = number;
    return true;
  }

  /** Moves to where the owners have come. Returns false if a message on the way there was lost. */
  acknowledge(sent: readonly SentPosition[]): boolean {
    if (sent.some(({ partition, number }) => number !== (this.#numbers[partition] ?? 0))) return false;
    if (this.isHeld) return true;
    for (const { partition, epoch, sequence } of sent) {
      this.reach({ partition, epoch, sequence });
      this.#acknowledgements[partition] = this.acknowledgementsOf(partition) + 1;
    }
    return true;
  }

  /**
   * Returns how often the owner of a partition has acknowledged its position, so that this edge has passed
   * everything that the owner had begun by then.
   */
  acknowledgementsOf(partition: number): number {
    return this.#acknowledgements[partition] ?? 0;
  }

  hasReached(partition: number, sequence: number): boolean {
    return (this.#positions.at(partition)?.sequence ?? 0) >= sequence;
  }

  /** Moves one partition to a position, unless that has passed already. Open events stay open. */
  reach({ partition, epoch, sequence }: EventPosition): void {
    const known = this.#positions.at(partition);
    if (known?.epoch === epoch) this.#positions.advance(partition, sequence);
    else this.#positions.set(partition, { epoch, sequence, open: [] });
  }

  /** Moves one partition past a hole, in which open events have ended. */
  skip({ partition, epoch, sequence }: EventPosition): void {
    const open = this.#positions.at(partition)?.open.filter((one) => one > sequence) ?? [];
    this.#positions.set(partition, { epoch, sequence, open });
  }

  /** Returns a cursor of everything that has passed this edge. */
  cursor(partition?: number): string {
    return this.#positions.cursor(this.clock.take(), partition);
  }

  /** Returns the positions that begin a presence epoch. */
  told(): EdgePosition[] {
    const at = (partition: number): Position | undefined => this.#positions.at(partition);
    return Array.from({ length: this.#positions.of }, (_, partition) => ({
      partition,
      ...at(partition),
    })).filter((one): one is EdgePosition => one.sequence !== undefined);
  }
}
