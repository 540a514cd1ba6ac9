// What a stream says, one type per kind of block. Messages are plain data, so that one tab can pass them to
// another.

/**
 * An event as the edge sends it. `data` is JSON, or the payload's text if it was not a JSON object or array.
 */
export interface StreamEvent {
  /** Unique per event, also over several connections. */
  readonly id: string;
  /**
   * The position after this event: store it once the event is handled, and a later stream continues there.
   */
  readonly cursor?: string | undefined;
  /** Where it happened; a message to one user has none. */
  readonly topic?: string;
  /** When the event was stored, in ISO 8601. */
  readonly time: string;
  readonly data?: unknown;
  /** Takes the place of `data` if the payload is not UTF-8. */
  readonly data_base64?: string;
}

/** Something may be missing at this point of the stream. */
export interface Resync {
  /**
   * `too-old`, `too-many`, `graph-restarted`, `late`, `unknown-cursor`; `unreadable` if a block was broken.
   */
  readonly reason: string;
  /** No event that may be missing is earlier. Without it, load everything again. */
  readonly since?: string;
  /** The time of the oldest event that the server still stores. */
  readonly oldest?: string;
}

/** The edge is about to end the stream; the client reconnects. */
export interface Goodbye {
  /** `drain`, `full`, `busy`, `expired`, `slow` and others of docs/protocol.md. */
  readonly reason: string;
  /** The time for which the edge asks the client to wait before the next request. */
  readonly retryMs?: number | undefined;
}

/** Why there is no connection at present. */
export interface Loss {
  /** `NETWORK`, `SILENT`, `ENDED`, `GOODBYE`, `EXPIRED`, `REFUSED`, `NOT_A_STREAM` or `NO_TOKEN`. */
  readonly code: string;
  readonly message: string;
  /** The time until the next attempt. */
  readonly retryMs: number;
}

export type Message = {
  /** The position after this message. */
  readonly cursor?: string | undefined;
  /** The time for which the edge asks the client to wait before the next request. */
  readonly retryMs?: number | undefined;
} & (
  | { readonly kind: "open" | "cursor"; readonly detail?: undefined }
  | { readonly kind: "event"; readonly detail: StreamEvent }
  | { readonly kind: "resync"; readonly detail: Resync }
  | { readonly kind: "goodbye"; readonly detail: Goodbye }
  | { readonly kind: "lost"; readonly detail: Loss }
);

export type Sink = (message: Message) => void;
