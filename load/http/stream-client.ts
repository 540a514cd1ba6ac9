// A client for one streamed response over a plain socket, with which load tools and tests read streams.
// Node's own HTTP client would use ten times the memory per connection, and hide the chunks.

import { connect, type Socket } from "node:net";
import { ChunkedReader, type ResponseHead } from "./chunked-reader.ts";

export interface StreamClientOptions {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Source address. */
  readonly source?: string | undefined;
  readonly onHead?: (head: ResponseHead) => void;
  /** The data of one chunk: a view that is valid only during the call. */
  readonly onChunk?: (data: Buffer) => void;
  /** Called at the last chunk of the response; the connection may stay open after it. */
  readonly onComplete?: () => void;
  /** Called once. `complete` means that the response ended with its last chunk. */
  readonly onClose?: (complete: boolean, error: Error | undefined) => void;
}

export class StreamClient {
  readonly #socket: Socket;
  #complete = false;
  #error: Error | undefined;

  constructor({ url, headers = {}, source, onHead, onChunk, onComplete, onClose }: StreamClientOptions) {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const socket = connect({
      host,
      port: Number(url.port || 80),
      noDelay: true,
      ...(source === undefined ? {} : { localAddress: source }),
    });
    this.#socket = socket;
    const reader = new ChunkedReader({
      onHead: (head) => onHead?.(head),
      onChunk: (data) => onChunk?.(data),
      onEnd: () => {
        this.#complete = true;
        onComplete?.();
      },
    });
    const lines = Object.entries({ Host: url.host, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`);
    socket.on("data", (bytes: Buffer) => {
      try {
        reader.push(bytes);
      } catch (error) {
        this.#error = error as Error;
        socket.destroy();
      }
    });
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => onClose?.(this.#complete, this.#error));
  }

  close(): void {
    this.#socket.destroy();
  }
}
