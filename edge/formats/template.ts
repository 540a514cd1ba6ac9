// An event in a format, as a list of literal texts and inserts. All pools use this table: TypeScript renders
// it here, the native pool in edge/pool/native/src/rendering.h, and both must produce the same bytes.

import { type AnyFrame, Frame, NumberedFrame } from "./frame.ts";

/**
 * json: the event, as one line of JSON. jsonOpen: the same without its last "}", so that a member can be
 * added. cursor: its position in the stream. text: the payload as a person reads it. number: the connection's
 * own message count.
 */
export const INSERTS = ["json", "jsonOpen", "cursor", "text", "number"] as const;
type Insert = (typeof INSERTS)[number];

/** What a format can use of an event. */
export interface EventInStream {
  /** One line of JSON, from "{" to "}". */
  readonly json: string;
  readonly cursor: string;
  /** The payload as a person reads it. */
  readonly text: string;
}

/** A string is a literal. */
export type Part = string | { readonly insert: Insert };
export type Template = readonly Part[];

export function insert(what: Insert): Part {
  return { insert: what };
}

const VALUES: Readonly<Record<Exclude<Insert, "number">, (event: EventInStream) => string>> = {
  json: ({ json }) => json,
  jsonOpen: ({ json }) => json.slice(0, -1),
  cursor: ({ cursor }) => cursor,
  text: ({ text }) => text,
};

/** Returns an event as text, for a template without numbers. */
export function renderText(template: Template, event: EventInStream): string {
  return template
    .map((part) =>
      typeof part === "string" ? part : part.insert === "number" ? "" : VALUES[part.insert](event),
    )
    .join("");
}

/** Shared by all connections, unless it contains a number. */
export function render(template: Template, event: EventInStream): AnyFrame {
  const texts: [string, ...string[]] = [""];
  for (const part of template) {
    if (typeof part === "string") texts[texts.length - 1] += part;
    else if (part.insert === "number") texts.push("");
    else texts[texts.length - 1] += VALUES[part.insert](event);
  }
  return texts.length === 1 ? new Frame(texts[0]) : new NumberedFrame(texts);
}
