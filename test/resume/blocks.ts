// Reads a stream block by block while it arrives, as strictly as the protocol allows: one server-sent event
// or one NDJSON line is a block. An incomplete block at the end is not a block, so a reader that is cut in
// the middle of one comes back with the cursor before it.

import { StringDecoder } from "node:string_decoder";

export type StreamFormat = "sse" | "ndjson";

export interface Hole {
  readonly reason: string;
  readonly since?: string;
  readonly oldest?: string;
}

export interface StreamEvent {
  readonly id: string;
  readonly topic?: string;
  readonly time: string;
  readonly data: unknown;
}

export interface Block {
  readonly kind: "welcome" | "event" | "resync" | "goodbye" | "cursor";
  /** Undefined if the reader presented none that can be read, and in every goodbye of NDJSON. */
  readonly cursor: string | undefined;
  readonly event?: StreamEvent;
  readonly hole?: Hole;
  /** The reason in a goodbye. */
  readonly reason?: string;
  /** The value of `retry:` in server-sent events. */
  readonly retryMs?: number;
}

/** docs/protocol.md: one token of URL-safe characters. */
const CURSOR = /^[-.~0-9A-Z_a-z]{1,255}$/;
const ACCEPT: Readonly<Record<StreamFormat, string>> = {
  sse: "text/event-stream",
  ndjson: "application/x-ndjson",
};

/** Returns the headers that select a format. */
export function acceptOf(format: StreamFormat): Readonly<Record<string, string>> {
  return { Accept: ACCEPT[format] };
}

/** Parses one stream. A new connection needs a new parser. */
export class BlockParser {
  readonly #format: StreamFormat;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #isFirst = true;

  constructor(format: StreamFormat) {
    this.#format = format;
  }

  /**
   * Passes every block that these bytes complete to `onBlock`, until it returns false.
   * @throws Error if the stream breaks the protocol
   */
  push(bytes: Uint8Array, onBlock: (block: Block) => boolean): void {
    this.#rest += this.#decoder.write(Buffer.from(bytes));
    const end = this.#format === "sse" ? "\n\n" : "\n";
    let from = 0;
    for (let at = this.#rest.indexOf(end); at !== -1; at = this.#rest.indexOf(end, from)) {
      const text = this.#rest.slice(from, at);
      from = at + end.length;
      const block = this.#format === "sse" ? parseSseBlock(text) : parseLine(text, this.#isFirst);
      this.#isFirst = false;
      if (block.cursor !== undefined && !CURSOR.test(block.cursor))
        throw new Error(`no cursor: ${JSON.stringify(block.cursor)}`);
      if (!onBlock(block)) break;
    }
    this.#rest = this.#rest.slice(from);
  }
}

function parseSseBlock(text: string): Block {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line.startsWith(":")) continue;
    const [, name = "", value = ""] = /^([a-z]+): (.*)$/su.exec(line) ?? [];
    if (!["id", "event", "data", "retry"].includes(name) || fields.has(name))
      throw new Error(`a bad line ${JSON.stringify(line)} in ${JSON.stringify(text)}`);
    fields.set(name, value);
  }
  const data = fields.get("data");
  if (data === undefined) throw new Error(`a block without data: ${JSON.stringify(text)}`);
  const cursor = fields.get("id");
  const kind = fields.get("event") ?? "event";
  if (cursor === undefined && kind !== "goodbye" && kind !== "welcome")
    throw new Error(`a block without an id: ${JSON.stringify(text)}`);
  const retry = fields.get("retry");
  const block = blockOf(kind, cursor, JSON.parse(data));
  return retry === undefined ? block : { ...block, retryMs: Number(retry) };
}

function parseLine(text: string, isFirst: boolean): Block {
  const { cursor, ...line } = JSON.parse(text) as Record<string, unknown> & { cursor?: string };
  if ("id" in line) {
    if (cursor === undefined) throw new Error(`an event without a cursor: ${text}`);
    return blockOf("event", cursor, line);
  }
  const [kind, ...others] = Object.keys(line);
  if (kind === undefined) return blockOf(isFirst ? "welcome" : "cursor", cursor, {});
  if (others.length > 0) throw new Error(`a line of several kinds: ${text}`);
  const { cursor: inner, ...content } = line[kind] as Record<string, unknown> & { cursor?: string };
  return blockOf(kind, inner, content);
}

function blockOf(kind: string, cursor: string | undefined, content: unknown): Block {
  switch (kind) {
    case "event":
      return { kind, cursor, event: content as StreamEvent };
    case "resync":
      return { kind, cursor, hole: content as Hole };
    case "goodbye":
      return { kind, cursor, reason: (content as { reason: string }).reason };
    case "welcome":
    case "cursor":
      return { kind, cursor };
    default:
      throw new Error(`a block of an unknown kind: ${kind}`);
  }
}
