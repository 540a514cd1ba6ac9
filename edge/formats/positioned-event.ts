// An event on its way to readers: its JSON, its cursor, and its frame in each format. A frame is built when
// the first reader of its format needs it, and shared by all.

import type { FormatName, StreamFormat } from "./format.ts";
import type { AnyFrame } from "./frame.ts";
import { payloadText } from "./payload-text.ts";
import type { EventInStream } from "./template.ts";
import { render } from "./template.ts";

export class PositionedEvent implements EventInStream {
  readonly id: string;
  /** One line of JSON, from "{" to "}". */
  readonly json: string;
  readonly cursor: string;
  readonly #frames = new Map<FormatName, AnyFrame>();

  constructor(id: string, json: string, cursor: string) {
    this.id = id;
    this.json = json;
    this.cursor = cursor;
  }

  frame(format: StreamFormat): AnyFrame {
    let frame = this.#frames.get(format.name);
    if (frame === undefined) {
      frame = render(format.event, this);
      this.#frames.set(format.name, frame);
    }
    return frame;
  }

  /** The payload as a person reads it. */
  get text(): string {
    return payloadText(this.json);
  }
}
