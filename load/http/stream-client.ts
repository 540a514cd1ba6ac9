// A client for one streamed response over a bare socket: what load tools and tests read streams with. Node's own HTTP
// client would cost ten times the memory a connection and hide the chunks.

import { connect, type Socket } from "node:net";
import { ChunkedReader, type ResponseHead } from "./chunked-reader.ts";

export interface StreamClientOptions {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address to connect from. */
  readonly source?: string | undefined;
  readonly onHead?: (head: ResponseHead) => void;
  /** One chunk's data: a view, valid only during the call. */
  readonly onChunk?: (data: Buffer) => void;
  /** The response ended with its last chunk; the connection may stay open behind it. */
  readonly onComplete?: () => void;
  /** Called once. `complete`: the response ended with its last chunk. */
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
