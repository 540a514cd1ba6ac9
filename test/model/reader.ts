// A reader of the model: what it has read, and the final check of that record. Each owed event was read once,
// in the order of its sender, unless a `resync` covered it.

import type { Stream } from "./edge.ts";
import { type History, laneOf } from "./history.ts";
import type { Block } from "./messages.ts";
import type { Position, Vector } from "./position.ts";

export interface Reader {
  readonly user: number;
  cursor: Vector | undefined;
  start: readonly Position[] | undefined;
  stream: { readonly edge: number; readonly stream: Stream } | undefined;
  readonly got: { readonly partition: number; readonly seq: number }[];
  /** Per partition, the last event up to which missing events were announced. */
  readonly excused: number[];
}

export function newReader(user: number, partitions: number): Reader {
  const excused = Array.from({ length: partitions }, () => 0);
  return { user, cursor: undefined, start: undefined, stream: undefined, got: [], excused };
}

/** Records a block that the reader has read. */
export function record(reader: Reader, { start, partition, seq, resync, cursor }: Block): void {
  reader.start ??= start;
  if (partition !== undefined && seq !== undefined) reader.got.push({ partition, seq });
  for (const [index, { main }] of resync?.entries() ?? [])
    reader.excused[index] = Math.max(reader.excused[index] as number, main);
  reader.cursor = cursor;
}

/**
 * Returns the violations in a reader's record, one text each. `owes` tells which events it had to receive.
 */
export function check(
  { user, start, got, excused, stream }: Reader,
  histories: readonly History[],
  owes: (user: number, partition: number, seq: number) => boolean,
): string[] {
  if (start === undefined) return [`user ${user} never began (${stream?.stream.state})`];
  const problems: string[] = [];
  const seen = new Set<string>();
  const newest = new Map<string, number>();
  for (const { partition, seq } of got) {
    const key = `${partition}:${seq}`;
    if (seen.has(key)) problems.push(`twice ${key} for ${user}`);
    seen.add(key);
    const lane = `${partition} ${laneOf((histories[partition] as History).at(seq))}`;
    if ((newest.get(lane) ?? 0) > seq) problems.push(`disordered ${key} for ${user}`);
    newest.set(lane, seq);
  }
  for (const [partition, { main }] of start.entries()) {
    const history = histories[partition] as History;
    for (let seq = Math.max(main, excused[partition] as number) + 1; seq <= history.last; seq += 1)
      if (owes(user, partition, seq) && !seen.has(`${partition}:${seq}`))
        problems.push(`lost ${partition}:${seq} (${history.at(seq).kind}) for ${user}`);
  }
  return problems;
}
