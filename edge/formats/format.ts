// What a stream looks like on the wire. A format turns everything that can happen on a stream into text; the pool
// frames and sends it. Formats hold no state.

import type { Frame } from "./frame.ts";
import type { Template } from "./template.ts";

export type FormatName = "sse" | "ndjson" | "text";

export interface Opening {
  readonly users: readonly string[];
  /** When to come back after a break, in milliseconds. */
  readonly retryMs: number;
  /** Where the reader is until its first event: it may come back before that. */
  readonly cursor: string;
}

export interface StreamFormat {
  readonly name: FormatName;
  readonly contentType: string;
  /** The first bytes: proves to the reader, and to every proxy between, that the stream is open. */
  welcome(opening: Opening): string;
  readonly event: Template;
  /** Says nothing; keeps proxies from closing a quiet stream, and shows us that a reader is gone. */
  readonly heartbeat: Frame;
  /**
   * "You may have missed something: fetch what you need afresh." `reason` is one word with dashes; `cursor` is that of
   * the stream after the gap.
   */
  resync(reason: string, cursor: string): string;
  /**
   * The last words of a stream that we end, and when to come back, if at all. `cursor` is the one that the reader has:
   * what it was sent last, or in a refusal what it presented, if that could be read.
   */
  goodbye(reason: string, retryMs: number | undefined, cursor: string | undefined): string;
  /** Whether a refusal for now is a stream of last words, because most clients never try again after a status but 200. */
  readonly refusesInWords: boolean;
}
