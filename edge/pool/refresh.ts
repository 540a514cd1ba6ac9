// The cursor that quiet streams are sent in place of a heartbeat, in each format. Owned by a pool, and
// replaced with every call of `refresh`.

import type { StreamFormat } from "../formats/format.ts";
import { Frame } from "../formats/frame.ts";

export class Refresh {
  readonly #cursor: string;
  /** The cursor's number in the pool's Positions. */
  readonly position: number;
  readonly #frames = new Map<StreamFormat, Frame>();

  constructor(cursor: string, position: number) {
    this.#cursor = cursor;
    this.position = position;
  }

  /** Returns the bytes, which are built for the first stream of a format and shared by all. */
  frame(format: StreamFormat): Frame {
    let frame = this.#frames.get(format);
    if (frame === undefined) {
      frame = new Frame(format.refresh(this.#cursor));
      this.#frames.set(format, frame);
    }
    return frame;
  }
}
