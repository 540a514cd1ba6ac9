// Two parsers of server-sent events for tests. One follows WHATWG HTML. The other is as careless as the least
// careful client that was tried (docs/protocol.md): it takes every empty line for the end of a message,
// forgets its id at a block without one, and ends lines wherever Python's `str.splitlines` does.

export interface SseMessage {
  readonly type: string;
  readonly data: string;
  /** The parser's last id after the message. */
  readonly id: string;
  readonly retryMs: number | undefined;
}

interface Habits {
  readonly lineBreak: RegExp;
  /** Whether an empty line ends a message even if the block had no data. */
  readonly dispatchesEmpty: boolean;
  /** Whether the last id survives a block without one. */
  readonly keepsId: boolean;
}

const HABITS: Readonly<Record<"standard" | "careless", Habits>> = {
  standard: { lineBreak: /\r\n|[\r\n]/, dispatchesEmpty: false, keepsId: true },
  careless: {
    lineBreak: /\r\n|[\n\v\f\r\u0085\u2028\u2029]/, // also U+001C to U+001E, which JSON escapes
    dispatchesEmpty: true,
    keepsId: false,
  },
};

/** Returns the messages of a complete or partial stream. */
export function parseSse(text: string, reader: keyof typeof HABITS = "standard"): SseMessage[] {
  const { lineBreak, dispatchesEmpty, keepsId } = HABITS[reader];
  const messages: SseMessage[] = [];
  let id = "";
  let block = new Map<string, string>();
  for (const line of text.split(lineBreak).slice(0, -1)) {
    if (line !== "") {
      const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/su.exec(line) ?? [];
      const before = name === "data" ? block.get("data") : undefined;
      block.set(name, before === undefined ? value : `${before}\n${value}`);
      continue;
    }
    id = block.get("id") ?? (keepsId ? id : "");
    const data = block.get("data") ?? "";
    const retry = block.get("retry");
    const retryMs = retry === undefined ? undefined : Number(retry);
    if (data !== "" || dispatchesEmpty)
      messages.push({ type: block.get("event") || "message", data, id, retryMs });
    block = new Map();
  }
  return messages;
}
