// What a stream looks like on the wire. A format turns everything that happens on a stream into text; the
// pool frames and sends the text. Formats have no state.

import type { Hole } from "../../broker/contract.ts";
import type { Frame } from "./frame.ts";
import type { Template } from "./template.ts";

export type FormatName = "sse" | "ndjson" | "text";

export interface Opening {
  readonly users: readonly string[];
  /** Delay before a reader reconnects after its connection broke, in milliseconds. */
  readonly retryMs: number;
  /**
   * The reader's position until its first event, with which it may already reconnect. For a returning reader
   * it is the cursor that it presented; undefined if that was none.
   */
  readonly cursor: string | undefined;
}

export interface StreamFormat {
  readonly name: FormatName;
  readonly contentType: string;
  /** Returns the first bytes, which prove to the reader and to every proxy that the stream is open. */
  welcome(opening: Opening): string;
  readonly event: Template;
  /**
   * Carries no information. It keeps proxies from closing a quiet stream, and reveals readers that are gone.
   */
  readonly heartbeat: Frame;
  /**
   * Tells the reader that it may have missed events and should fetch what it needs again. `cursor` is the
   * position after the gap.
   */
  resync(hole: Hole, cursor: string): string;
  /** Tells the reader of a quiet stream its present cursor, in place of a heartbeat. */
  refresh(cursor: string): string;
  /**
   * Returns the last text of a stream that the edge ends, with the time after which to reconnect, if the
   * reader should. `cursor` is the reader's position: the one that it was sent last or, in a refusal, the one
   * that it presented, if it was valid.
   */
  goodbye(reason: string, retryMs: number | undefined, cursor: string | undefined): string;
  /**
   * Whether a temporary refusal is a stream that only says goodbye. Most clients never retry after a status
   * other than 200.
   */
  readonly refusesInWords: boolean;
}
