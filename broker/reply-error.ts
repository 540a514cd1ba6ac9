// Error replies over NATS: the only place that converts an error into the headers of a NATS micro service.

import { disclosureOf, messageOf } from "../lib/errors.ts";
import { errorHeaders } from "./headers.ts";
import type { PublishOptions } from "./publishing.ts";

const NOTHING = new Uint8Array(0);
const HIDDEN_TEXT = "the service failed: see its log";

/** What was sent to the caller. */
export interface ErrorReply {
  readonly status: number;
  readonly text: string;
  /** False if callers may not read the error's text and got a general one: log the error. */
  readonly shown: boolean;
}

export interface ErrorReplyOptions {
  /** The general text for errors that callers may not read. */
  readonly hiddenText?: string;
  readonly payload?: string;
}

interface Publisher {
  publish(subject: string, payload: Uint8Array | string, options: PublishOptions): unknown;
}

/**
 * Replies to a request with an error: its status and its text, or a general text if the error's folder hides
 * it. Sends nothing without a reply subject. Returns what was sent, or would have been.
 */
export function replyError(
  publisher: Publisher,
  reply: string | undefined,
  error: unknown,
  { hiddenText = HIDDEN_TEXT, payload }: ErrorReplyOptions = {},
): ErrorReply {
  const { status, shown } = disclosureOf(error);
  const text = shown ? messageOf(error) : hiddenText;
  if (reply !== undefined)
    publisher.publish(reply, payload ?? NOTHING, { headers: errorHeaders(status, text) });
  return { status, text, shown };
}
