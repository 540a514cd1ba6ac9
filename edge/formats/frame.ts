// A frame is one event in one format: bytes that are built once and shared by every connection that receives
// them. Only for a format that counts per connection (the article's "msg #7") does the pool insert a number.

/**
 * How a response's bytes are delimited: in chunks of HTTP/1.1, or not at all (in HTTP/1.0, or if the runtime
 * does it).
 */
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

  /** Returns the bytes as they are written to a response with this framing. */
  framed(framing: Framing): Uint8Array {
    // an empty chunk would end the response
    if (framing === "none" || this.bytes.length === 0) return this.bytes;
    this.#chunk ??= asChunk(this.bytes);
    return this.#chunk;
  }
}

/** A frame that contains the connection's own message count. */
export class NumberedFrame {
  readonly texts: readonly string[];

  constructor(texts: readonly string[]) {
    this.texts = texts;
  }
}

export type AnyFrame = Frame | NumberedFrame;

/** Returns the frame of one connection. `nextNumber` is called only for numbered frames. */
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
