// Reads the two formats of a stream, cut at any byte. A parser never throws because of what it is sent:
// unknown kinds are skipped, and a block that is not the JSON it should be becomes a `resync`.
//
// Sources: WHATWG HTML, section "Server-sent events"; docs/protocol.md.

import type { Message, Sink } from "./messages.ts";

/** Takes the next piece of text. Returns false once a line is longer than any event could be. */
export type Parse = (text: string) => boolean;

/** An event of 64 KiB whose characters are all escaped takes 400 KB. */
const MAX_LINE = 1_000_000;

const UNREADABLE: Message = { kind: "resync", detail: { reason: "unreadable" } };

/** Parses server-sent events. A message has the cursor of the last `id:`; one without data is skipped. */
export function parseServerSentEvents(sink: Sink): Parse {
  let type = "";
  let data = ""; // begins with a line break, which JSON permits
  let cursor: string | undefined;
  let retryMs: number | undefined;
  return lines(/\r\n|\n|\r(?!$)/, (line) => {
    if (line === "") {
      if (data.trim()) say(sink, () => messageOf(type, () => JSON.parse(data), cursor, retryMs));
      type = data = "";
      retryMs = undefined;
      return;
    }
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "event") type = value;
    else if (field === "data" && data.length < MAX_LINE) data += `\n${value}`;
    else if (field === "id") cursor = value || undefined;
    else if (field === "retry") retryMs = Number(value) || undefined;
  });
}

/** A stream is open as soon as its head has arrived: refusals of this format have another status. */
export function parseNdjson(sink: Sink): Parse {
  sink({ kind: "open" });
  return lines(/\n/, (line) => {
    if (line.trim()) say(sink, () => messageOfLine(JSON.parse(line)));
  });
}

// biome-ignore lint/suspicious/noExplicitAny: it comes from the network, so it may be anything
function messageOfLine(sent: any): Message | undefined {
  const { resync, goodbye, cursor } = sent;
  if (resync !== undefined) {
    const { cursor: reached, ...detail } = resync;
    return messageOf("resync", () => detail, reached);
  }
  if (goodbye !== undefined) return messageOf("goodbye", () => goodbye, cursor, goodbye.retryMs);
  return messageOf("id" in sent ? "message" : "cursor", () => sent, cursor);
}

/** Returns undefined for an unknown type. */
function messageOf(
  type: string,
  // biome-ignore lint/suspicious/noExplicitAny: it comes from the network, so it may be anything
  read: () => any,
  cursor: string | undefined,
  retryMs?: number,
): Message | undefined {
  switch (type) {
    case "welcome":
      return { kind: "open", cursor, retryMs };
    case "cursor":
      return { kind: type, cursor };
    case "resync":
      return { kind: type, cursor, detail: { ...UNREADABLE.detail, ...read() } };
    case "goodbye":
      return { kind: type, cursor, retryMs, detail: { ...read(), retryMs } };
    case "":
    case "message": {
      const detail = { ...read(), cursor };
      return typeof detail.id === "string" ? { kind: "event", cursor, detail } : UNREADABLE;
    }
  }
}

function say(sink: Sink, read: () => Message | undefined): void {
  let message: Message | undefined;
  try {
    message = read();
  } catch {
    message = UNREADABLE;
  }
  if (message) sink(message);
}

function lines(end: RegExp, onLine: (line: string) => void): Parse {
  let rest = "";
  return (text) => {
    const all = (rest + text).split(end);
    rest = all.pop() ?? "";
    for (const line of all) onLine(line);
    return rest.length <= MAX_LINE;
  };
}
