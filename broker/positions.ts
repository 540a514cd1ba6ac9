// How far a place has come in each partition: an edge with all its streams, or one reader. A position says
// "everything up to this sequence has passed, except these open events". An open event is a long one that is
// sent in parts (a celebrity's) and whose last part has not passed. One vector per edge, and one per stream
// while that stream resumes.

import {
  type Cursor,
  cursorOfEvent,
  formatEventId,
  formatOthers,
  layoutOf,
  MAX_CURSOR_PARTITIONS,
  type OpenEvent,
} from "./cursor.ts";

export interface Position {
  readonly epoch: number;
  readonly sequence: number;
  /** Sequences of open events, ascending, none above `sequence`. */
  readonly open: readonly number[];
}

const NOTHING_OPEN: readonly number[] = [];

export class Positions {
  /** By partition; undefined where nothing is known. */
  readonly #at: (Position | undefined)[];
  /** The partition that moved last. */
  #latest = 0;
  /** The results of `othersText` since the last move of another partition. */
  readonly #texts = new Map<number, string>();

  /** @param at the positions by partition, one for each partition of the layout */
  constructor(at: readonly (Position | undefined)[]) {
    this.#at = [...at];
  }

  /**
   * Returns the positions that a cursor names, or undefined if it is of other epochs than these positions.
   */
  resolve({ own, others }: Cursor): Positions | undefined {
    const epochs = this.#epochs();
    if (epochs === undefined || epochs[own.partition] !== own.epoch) return undefined;
    if (others === undefined)
      return this.of === 1
        ? new Positions([{ epoch: own.epoch, sequence: own.sequence, open: NOTHING_OPEN }])
        : undefined;
    if (others.sequences.length !== this.of || others.layout !== layoutOf(epochs)) return undefined;
    return new Positions(
      others.sequences.map((sequence, partition) => ({
        epoch: epochs[partition] as number,
        sequence,
        open: others.open.filter((event) => event.partition === partition).map((event) => event.sequence),
      })),
    );
  }

  /** The number of partitions. */
  get of(): number {
    return this.#at.length;
  }

  /** Whether the position in every partition is known. */
  get isComplete(): boolean {
    return this.#at.length > 0 && !this.#at.includes(undefined);
  }

  at(partition: number): Position | undefined {
    return this.#at[partition];
  }

  copy(): Positions {
    const copied = new Positions(this.#at);
    copied.#latest = this.#latest;
    return copied;
  }

  /** Replaces the position in one partition. */
  set(partition: number, position: Position): void {
    this.#at[partition] = position;
    this.#move(partition);
    this.#texts.delete(partition);
  }

  /** Moves to a later sequence of a known partition. */
  advance(partition: number, sequence: number): void {
    const known = this.#at[partition];
    if (known === undefined || sequence <= known.sequence) return;
    this.#at[partition] = { ...known, sequence };
    this.#move(partition);
  }

  /** Notes that everything up to a sequence has passed, including events that were open. */
  pass(partition: number, sequence: number): void {
    const known = this.#at[partition];
    if (known === undefined) return;
    const open = known.open.filter((one) => one > sequence);
    this.set(partition, { ...known, sequence: Math.max(known.sequence, sequence), open });
  }

  /** Notes that a long event began. */
  open(partition: number, sequence: number): void {
    const known = this.#at[partition];
    if (known === undefined) return;
    this.set(partition, {
      ...known,
      sequence: Math.max(known.sequence, sequence),
      open: [...known.open, sequence],
    });
  }

  /** Notes that the last part of a long event has passed. */
  close(partition: number, sequence: number): void {
    const known = this.#at[partition];
    if (known !== undefined)
      this.set(partition, { ...known, open: known.open.filter((open) => open !== sequence) });
  }

  /** Returns a cursor of these positions, in which `partition` or the one that moved last stands last. */
  cursor(stamp: number, partition: number = this.#latest): string {
    const { epoch = 0, sequence = 0 } = this.#at[partition] ?? {};
    return cursorOfEvent(stamp, this.othersText(partition), formatEventId({ partition, epoch, sequence }));
  }

  /**
   * Returns what all cursors of one partition's events have in common at this moment: see `cursorOfEvent`.
   * Where a cursor would become too long, other partitions' positions are lowered below their open events, so
   * that a reader who resumes there may receive some events twice and misses none.
   */
  othersText(partition: number): string {
    let text = this.#texts.get(partition);
    if (text !== undefined) return text;
    text = this.#formatOthers(partition);
    this.#texts.set(partition, text);
    return text;
  }

  #formatOthers(partition: number): string {
    const open = this.#allOpen();
    if (this.of > MAX_CURSOR_PARTITIONS || (this.of === 1 && open.length === 0)) return "";
    const layout = layoutOf(this.#at.map((position) => position?.epoch ?? 0));
    const sequences = this.#at.map((position) => position?.sequence ?? 0);
    const exact = formatOthers({ layout, sequences, open }, partition);
    if (exact !== undefined) return exact;
    const lowered = this.#at.map((position) => (position?.open[0] ?? (position?.sequence ?? 0) + 1) - 1);
    const own = open.filter((event) => event.partition === partition);
    return formatOthers({ layout, sequences: lowered, open: own }, partition) ?? "";
  }

  #allOpen(): OpenEvent[] {
    return this.#at.flatMap((position, partition) =>
      (position?.open ?? NOTHING_OPEN).map((sequence) => ({ partition, sequence })),
    );
  }

  #epochs(): readonly number[] | undefined {
    return this.isComplete ? this.#at.map((position) => (position as Position).epoch) : undefined;
  }

  /** Forgets the texts that name a partition's position, which has changed. */
  #move(partition: number): void {
    this.#latest = partition;
    for (const other of [...this.#texts.keys()]) if (other !== partition) this.#texts.delete(other);
  }
}
