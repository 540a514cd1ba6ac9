// Reads one stream for a test and waits for expected content.

import type { ResponseHead } from "../../load/index.ts";
import { StreamClient } from "../../load/index.ts";
import { waitFor } from "./wait-for.ts";

export class Reader {
  readonly #client: StreamClient;
  readonly chunks: string[] = [];
  head: ResponseHead | undefined;
  /** How the stream ended; undefined while it is open. */
  ended: "complete" | "cut" | undefined;

  private constructor(url: URL, headers: Readonly<Record<string, string>>) {
    this.#client = new StreamClient({
      url,
      headers,
      onHead: (head) => {
        this.head = head;
      },
      onChunk: (data) => this.chunks.push(data.toString("utf8")),
      onClose: (complete) => {
        this.ended = complete ? "complete" : "cut";
      },
    });
  }

  /**
   * Opens a stream and waits for its first bytes.
   * @throws Error for any status but 200
   */
  static async open(url: URL, headers: Readonly<Record<string, string>> = {}): Promise<Reader> {
    const reader = new Reader(url, headers);
    await waitFor(`${url.pathname} to open`, () => reader.chunks.length > 0 || reader.ended !== undefined);
    if (reader.head?.status !== 200)
      throw new Error(`${url.pathname} replied ${reader.head?.status}: ${reader.text}`);
    return reader;
  }

  /** Everything received. */
  get text(): string {
    return this.chunks.join("");
  }

  /** NDJSON lines that are events. */
  get events(): { id: string; topic?: string; data?: unknown; cursor: string }[] {
    return this.text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line))
      .filter((line) => "id" in line);
  }

  until(pattern: RegExp): Promise<void> {
    return waitFor(`${pattern} in ${JSON.stringify(this.text.slice(-200))}`, () => pattern.test(this.text));
  }

  untilEvents(count: number): Promise<void> {
    return waitFor(`${count} events`, () => this.events.length >= count);
  }

  untilEnded(): Promise<void> {
    return waitFor("the stream to end", () => this.ended !== undefined);
  }

  close(): void {
    this.#client.close();
  }
}
