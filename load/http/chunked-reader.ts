// Reads one HTTP/1.1 response from a socket as it arrives: the head, then the chunks of its body. It buffers
// at most one incomplete piece. Load tools and tests use it to see the bytes on the wire.

/** Maximum length of the head, and of a line between chunks. Our servers send shorter ones. */
const MAX_HEAD_BYTES = 65_536;
const HEAD_END = "\r\n\r\n";
const CRLF_BYTES = 2;

export interface ResponseHead {
  readonly status: number;
  /** Headers, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ChunkedReaderEvents {
  onHead(head: ResponseHead): void;
  /** The data of one chunk: a view that is valid only during the call. */
  onChunk(data: Buffer): void;
  /** Called at the last chunk: the response is complete. */
  onEnd(): void;
}

export class ChunkedReader {
  readonly #events: ChunkedReaderEvents;
  #rest: Buffer = Buffer.alloc(0);
  #state: "head" | "chunks" | "raw" | "done" = "head";

  constructor(events: ChunkedReaderEvents) {
    this.#events = events;
  }

  /** Reads the next bytes. @throws Error for bytes that are not an HTTP/1.1 response */
  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.#state === "head") this.#readHead();
    if (this.#state === "chunks") this.#readChunks();
    else if (this.#state === "raw" && this.#rest.length > 0) {
      this.#events.onChunk(this.#rest);
      this.#rest = Buffer.alloc(0);
    }
  }

  #readHead(): void {
    const end = this.#rest.indexOf(HEAD_END);
    if (end === -1) {
      if (this.#rest.length > MAX_HEAD_BYTES) throw new Error("the response's head has no end");
      return;
    }
    const [statusLine = "", ...lines] = this.#rest.toString("latin1", 0, end).split("\r\n");
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
    if (!Number.isInteger(status))
      throw new Error(`no HTTP response: ${JSON.stringify(statusLine.slice(0, 80))}`);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    this.#rest = this.#rest.subarray(end + HEAD_END.length);
    this.#state = headers["transfer-encoding"] === "chunked" ? "chunks" : "raw";
    this.#events.onHead({ status, headers });
  }

  #readChunks(): void {
    let at = 0;
    for (;;) {
      const lineEnd = this.#rest.indexOf("\r\n", at);
      if (lineEnd === -1) break;
      const sizeText = this.#rest.toString("latin1", at, lineEnd);
      if (!/^[0-9a-f]{1,8}$/i.test(sizeText))
        throw new Error(`no chunk size: ${JSON.stringify(sizeText.slice(0, 80))}`);
      const size = Number.parseInt(sizeText, 16);
      const from = lineEnd + CRLF_BYTES;
      if (this.#rest.length < from + size + CRLF_BYTES) break;
      at = from + size + CRLF_BYTES;
      if (this.#rest.toString("latin1", from + size, at) !== "\r\n")
        throw new Error("a chunk does not end where its size says");
      if (size === 0) {
        this.#state = "done";
        this.#events.onEnd();
        break;
      }
      this.#events.onChunk(this.#rest.subarray(from, from + size));
    }
    this.#rest = Buffer.from(this.#rest.subarray(at)); // a copy: the whole buffer can be freed
  }
}
