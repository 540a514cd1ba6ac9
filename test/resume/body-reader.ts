// Reads one HTTP response and passes on every byte of its body as soon as it arrives, also from a chunk that
// is not complete yet, as browsers do. A reader that is cut in the middle of a replay has then received
// everything up to there. (load/http/chunked-reader.ts passes on complete chunks.)

const HEAD_END = "\r\n\r\n";
/** Size, extension and CRLF; ours are shorter. */
const MAX_SIZE_LINE = 32;
const CRLF_BYTES = 2;

export interface BodyReaderEvents {
  onStatus(status: number): void;
  onBody(bytes: Buffer): void;
  /** The response is complete. */
  onEnd(): void;
}

export class BodyReader {
  readonly #events: BodyReaderEvents;
  #rest: Buffer = Buffer.alloc(0);
  #state: "head" | "size" | "data" | "data-end" | "raw" | "done" = "head";
  /** Bytes of the current chunk that have not arrived. */
  #missing = 0;

  constructor(events: BodyReaderEvents) {
    this.#events = events;
  }

  /** @throws Error for bytes that are not an HTTP/1.x response */
  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#step());
  }

  /** Returns whether there may be more to read. */
  #step(): boolean {
    switch (this.#state) {
      case "head":
        return this.#readHead();
      case "size":
        return this.#readSize();
      case "data":
        this.#missing -= this.#pass(this.#missing);
        if (this.#missing > 0) return false;
        this.#state = "data-end";
        return true;
      case "data-end":
        if (this.#rest.length < CRLF_BYTES) return false;
        if (this.#take(CRLF_BYTES) !== "\r\n") throw new Error("a chunk does not end where its size says");
        this.#state = "size";
        return true;
      case "raw":
        this.#pass(this.#rest.length);
        return false;
      case "done":
        return false;
    }
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf(HEAD_END);
    if (end === -1) return false;
    const head = this.#take(end + HEAD_END.length);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
    if (!Number.isInteger(status)) throw new Error(`no HTTP response: ${JSON.stringify(head.slice(0, 80))}`);
    this.#state = /^transfer-encoding: chunked\r$/im.test(head) ? "size" : "raw";
    this.#events.onStatus(status);
    return true;
  }

  #readSize(): boolean {
    const end = this.#rest.indexOf("\r\n");
    if (end === -1 && this.#rest.length < MAX_SIZE_LINE) return false;
    const line = this.#take(end + CRLF_BYTES);
    if (!/^[0-9a-f]{1,8}\r\n$/i.test(line)) throw new Error(`no chunk size: ${JSON.stringify(line)}`);
    this.#missing = Number.parseInt(line, 16);
    this.#state = this.#missing === 0 ? "done" : "data";
    if (this.#state === "done") this.#events.onEnd();
    return true;
  }

  #pass(max: number): number {
    const bytes = this.#rest.subarray(0, max);
    this.#rest = this.#rest.subarray(bytes.length);
    if (bytes.length > 0) this.#events.onBody(bytes);
    return bytes.length;
  }

  #take(count: number): string {
    const text = this.#rest.toString("latin1", 0, count);
    this.#rest = this.#rest.subarray(count);
    return text;
  }
}
