// What is written to a stream at its seam, and how far its reader has come with it. Every block that has a
// cursor gets one of the reader's own position, never of the edge's. Owned by one seam.

import { type Hole, type Positions, parseCursor } from "../../broker/contract.ts";
import type { Progress } from "../fanout/progress.ts";
import { PositionedEvent } from "../formats/positioned-event.ts";
import { renderText } from "../formats/template.ts";
import type { ResyncCounts } from "../resync-counts.ts";
import type { SeamRequest } from "./seam-request.ts";

export interface ReturningTextOptions {
  readonly progress: Progress;
  readonly resyncs: ResyncCounts;
}

export class ReturningText {
  readonly #options: ReturningTextOptions;
  readonly #request: SeamRequest;
  /** What the reader has received; undefined until it is known. */
  reader: Positions | undefined;
  /** The holes that the reader was told of: several partitions may report the same one. */
  readonly #told = new Set<string>();

  constructor(options: ReturningTextOptions, request: SeamRequest) {
    this.#options = options;
    this.#request = request;
  }

  /** Returns a cursor of what the reader has received. */
  cursor(partition?: number): string {
    return this.reader?.cursor(this.#options.progress.clock.take(), partition) ?? "";
  }

  /**
   * A new reader is told its position, a returning one the cursor that it presented: only a `resync` moves it
   * past a gap. A text that is not a cursor is never repeated, since it could break the stream's lines.
   */
  welcome(): string {
    const { format, users, retryMs, presented } = this.#request;
    const given = presented?.cursor;
    const readable = given !== undefined && parseCursor(given) !== undefined ? given : undefined;
    return format.welcome({ users, retryMs, cursor: presented === undefined ? this.cursor() : readable });
  }

  /** Returns an event of a partition up to which the reader has come. */
  event(id: string, json: string, partition: number): string {
    return renderText(this.#request.format.event, new PositionedEvent(id, json, this.cursor(partition)));
  }

  /** Returns nothing if the reader was told of the hole already. */
  resync(hole: Hole): string {
    const key = `${hole.reason} ${hole.since}`;
    if (this.#told.has(key)) return "";
    this.#told.add(key);
    this.#options.resyncs.note(hole.reason);
    return this.#request.format.resync(hole, this.cursor());
  }

  refresh(): string {
    return this.#request.format.refresh(this.cursor());
  }
}
