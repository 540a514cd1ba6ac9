// The intake: where events and direct messages of producers enter the history, each with a position, before
// anything is sent. Two implementations decide what gives an event its position: the service itself, in order
// of arrival (core-intake.ts), or the JetStream stream that stored it (stream-intake.ts).

import type { Msg } from "../../broker/index.ts";

/** The component that reads stored rows and fans them out. */
export interface FanOutReader {
  /** The ordinal of the oldest row that it still needs. */
  readonly oldestNeeded: number;
  /** The ordinal of the row that it reads next. */
  readonly next: number;
  /** Signals that a row was appended. */
  wake(): void;
}

export interface IntakeCounts {
  /** Refused: the subject, payload, message id or a header is malformed or too large. */
  rejected: number;
  /** Refused: the history is full of events whose fan-out has not begun, or the disk is too slow. */
  overloaded: number;
  /** Not sent again: an event with the same message id was accepted within the last two minutes. */
  duplicate: number;
}

export interface Intake {
  readonly counts: Readonly<IntakeCounts>;
  /** Why events cannot be accepted at present; undefined if they can. */
  readonly notReady: string | undefined;
  /** Begins to receive what producers publish. */
  open(): void;
  /** Handles one event of a producer, which arrived by core NATS. */
  receive(message: Msg): void;
  /** Ends receiving: no event is added after this call, and what was received is in the history. */
  close(): Promise<void>;
}
