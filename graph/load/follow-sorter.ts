// Accepts follows in any order and returns them as sorted rows, in both directions. Up to a limit they stay
// in memory. Beyond it, each full block is sorted and written to files, which are merged at the end. Memory
// is bounded by the block (8 bytes per follow, and 16 more while it is sorted) and by the longest row. The
// files take 3 to 10 bytes per follow.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FollowBlock } from "./follow-block.ts";
import { MergedRows } from "./merged-rows.ts";
import type { BothRows, Rows } from "./rows.ts";
import { writeRun } from "./run-file.ts";
import { buildRows } from "./table.ts";

/**
 * Enough for the article's graph of 15 million follows to stay in memory. Sorting a block takes some 400 MB.
 */
const DEFAULT_BLOCK_FOLLOWS = 16_777_216;

export interface FollowSorterOptions {
  /** Whether every follow counts in both directions. */
  readonly mutual: boolean;
  /** The folder for the files, created when needed. Its contents are removed. */
  readonly folder: string;
  /** The number of follows that are sorted in memory. */
  readonly blockFollows?: number | undefined;
}

export class FollowSorter {
  readonly #mutual: boolean;
  readonly #folder: string;
  readonly #blockFollows: number;
  readonly #block = new FollowBlock();
  readonly #runs = { forward: new Runs(), backward: new Runs() };
  #length = 0;

  constructor({ mutual, folder, blockFollows = DEFAULT_BLOCK_FOLLOWS }: FollowSorterOptions) {
    this.#mutual = mutual;
    this.#folder = folder;
    this.#blockFollows = blockFollows;
    this.remove(); // removes what a crash left behind
  }

  /** The number of follows added. */
  get length(): number {
    return this.#length;
  }

  /** The number of files written per direction. */
  get runs(): number {
    return this.#runs.backward.paths.length;
  }

  /** Adds a follow. If it fills the block, writes a run, which takes some seconds. */
  add(from: number, to: number): void {
    this.#block.add(from, to);
    this.#length += 1;
    if (this.#block.length >= this.#blockFollows) this.#writeRuns();
  }

  /** Returns the rows, which are valid until `remove`. */
  finish(): BothRows {
    if (this.runs === 0) return buildRows(this.#block, this.#mutual);
    if (this.#block.length > 0) this.#writeRuns();
    const backward = this.#runs.backward.merged();
    return { forward: this.#mutual ? backward : this.#runs.forward.merged(), backward };
  }

  /** Removes the files. Idempotent. */
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #writeRuns(): void {
    mkdirSync(this.#folder, { recursive: true });
    const { forward, backward } = buildRows(this.#block, this.#mutual);
    this.#runs.backward.add(join(this.#folder, `backward-${this.runs}`), backward);
    if (!this.#mutual) this.#runs.forward.add(join(this.#folder, `forward-${this.runs}`), forward);
  }
}

class Runs {
  readonly paths: string[] = [];
  #entries = 0;

  add(path: string, rows: Rows): void {
    this.#entries += writeRun(path, rows);
    this.paths.push(path);
  }

  merged(): MergedRows {
    return new MergedRows(this.paths, this.#entries);
  }
}
