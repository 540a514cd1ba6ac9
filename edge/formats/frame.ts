// A frame is what one event becomes in one format: bytes built once and shared by every connection that receives
// them. Only where a format counts per connection (the article's "msg #7") does the pool put the number in.

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

export class Frame {
  readonly bytes: Uint8Array;
  #chunked: Uint8Array | undefined;

  constructor(text: string) {
    this.bytes = encoder.encode(text);
  }

  /** The same as one chunk of HTTP/1.1's chunked transfer coding. */
  get chunked(): Uint8Array {
    this.#chunked ??= asChunk(this.bytes);
    return this.#chunked;
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
