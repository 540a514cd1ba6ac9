// A frame is what one event becomes in one format: bytes built once and shared by every connection that receives
// them. Only where a format counts per connection (the article's "msg #7") does the pool put the number in.

/** How a response's bytes are delimited: in chunks of HTTP/1.1, or not at all (HTTP/1.0, or the runtime does it). */
export const FRAMINGS = ["chunked", "none"] as const;
export type Framing = (typeof FRAMINGS)[number];

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

export class Frame {
  readonly bytes: Uint8Array;
  #chunk: Uint8Array | undefined;

  constructor(text: string) {
    this.bytes = encoder.encode(text);
  }

  /** The bytes as they are written to a response of this framing. */
  framed(framing: Framing): Uint8Array {
    if (framing === "none") return this.bytes;
    this.#chunk ??= asChunk(this.bytes);
    return this.#chunk;
  }
}

/** A frame with the connection's own count of messages between its texts. */
export class NumberedFrame {
  readonly texts: readonly string[];

  constructor(texts: readonly string[]) {
    this.texts = texts;
  }
}

export type AnyFrame = Frame | NumberedFrame;

/** The frame of one connection: `nextNumber` is asked only by numbered frames. */
export function frameFor(frame: AnyFrame, nextNumber: () => number): Frame {
  return frame instanceof Frame ? frame : new Frame(frame.texts.join(String(nextNumber())));
}

function asChunk(bytes: Uint8Array): Uint8Array {
  const size = encoder.encode(`${bytes.length.toString(16)}\r\n`);
  const chunk = new Uint8Array(size.length + bytes.length + CRLF.length);
  chunk.set(size);
  chunk.set(bytes, size.length);
  chunk.set(CRLF, size.length + bytes.length);
  return chunk;
}
