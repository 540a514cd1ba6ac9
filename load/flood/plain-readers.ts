// The implementation over Node's sockets, for machines where the addon is not built. A stream takes several
// KB, and the beginning of a message that is split between reads.

import { codeOf } from "../../lib/errors.ts";
import { StreamClient } from "../http/stream-client.ts";
import { DIGEST_WORDS, Digests } from "./digest.ts";
import { Latency } from "./latency.ts";
import type { ReaderCounts, Readers, ReadersOptions, StreamEnd } from "./readers.ts";
import { pathOf } from "./targets.ts";

/** A longer line is read as if it ended here; none of our messages is this long. */
const LONGEST_LINE = 262_144;
const RESYNC = /\{"resync":\{|^event: resync$|^Some messages may be missing \(/;

export class PlainReaders implements Readers {
  readonly #options: ReadersOptions;
  readonly #clients = new Map<number, StreamClient>();
  readonly #wasOpen: Uint8Array;
  readonly #digests: Digests;
  readonly #latency = new Latency();
  #closing = false;
  readonly #counts = { opening: 0, active: 0, reopened: 0, chunks: 0, bytes: 0, messages: 0, resyncs: 0 };

  constructor(options: ReadersOptions) {
    this.#options = options;
    const streams = options.targets.ends.length;
    this.#wasOpen = new Uint8Array(streams);
    this.#digests = new Digests(streams);
  }

  open(stream: number): void {
    const { targets, sources, firstSource, sourceStep, headers } = this.#options;
    const { address, port, host } = targets.servers[targets.serverOf[stream] ?? 0] ?? {};
    const authority = address?.includes(":") ? `[${address}]` : address;
    let end: Omit<StreamEnd, "stream" | "wasOpen"> | undefined;
    let open = false;
    let partial = "";
    this.#counts.opening += 1;
    const client: StreamClient = new StreamClient({
      url: new URL(pathOf(targets, stream), `http://${authority}:${port}`),
      headers: { Host: host ?? "", ...parseHeaders(headers) },
      source:
        sources.length === 0 ? undefined : sources[(firstSource + stream * sourceStep) % sources.length],
      onHead: ({ status, headers: answered }) => {
        if (status === 200) {
          open = true;
          this.#noteOpen(stream);
          return;
        }
        const seconds = Number(answered["retry-after"]);
        end = { reason: "status", detail: String(status), retryAfterMs: (seconds || 0) * 1000 };
        client.close();
      },
      onChunk: (data) => {
        if (!open) return;
        this.#counts.chunks += 1;
        this.#counts.bytes += data.length;
        const lines = (partial + data.toString("latin1")).split("\n");
        partial = lines.pop() ?? "";
        if (partial.length > LONGEST_LINE) partial = "";
        for (const line of lines) this.#readLine(stream, line);
      },
      onComplete: () => client.close(),
      onClose: (complete, error) => {
        if (this.#closing) return;
        this.#clients.delete(stream);
        this.#counts[open ? "active" : "opening"] -= 1;
        const detail = codeOf(error);
        const reason = complete ? "complete" : error === undefined ? "cut" : detail ? "error" : "broken";
        end ??= { reason, detail: detail ?? "0", retryAfterMs: 0 };
        this.#options.onEnd({ stream, wasOpen: open, ...end });
      },
    });
    this.#clients.set(stream, client);
  }

  counts(): ReaderCounts {
    return { ...this.#counts };
  }

  drainLatency(into: Latency): void {
    into.add(this.#latency.encode());
    this.#latency.reset();
  }

  digests(): Uint32Array {
    return this.#digests.words.slice(0, this.#wasOpen.length * DIGEST_WORDS);
  }

  close(): void {
    this.#closing = true;
    for (const client of this.#clients.values()) client.close();
  }

  #noteOpen(stream: number): void {
    this.#counts.opening -= 1;
    this.#counts.active += 1;
    this.#counts.reopened += this.#wasOpen[stream] ?? 0;
    this.#wasOpen[stream] = 1;
  }

  #readLine(stream: number, line: string): void {
    const { run } = this.#options;
    if (RESYNC.test(line)) this.#counts.resyncs += 1;
    if (run !== "" && !line.includes(`"run":"${run}"`)) return;
    const sentUs = /"sentUs":(\d+)/.exec(line)?.[1];
    if (sentUs !== undefined) this.#latency.note(Number(sentUs));
    const from = /"from":"([^"]*)"/.exec(line)?.[1];
    const seq = /"seq":(\d+)/.exec(line)?.[1];
    if (run === "" || from === undefined || seq === undefined) return;
    this.#digests.addEvent(stream, from, Number(seq));
    this.#counts.messages += 1;
  }
}

function parseHeaders(lines: string): Record<string, string> {
  return Object.fromEntries(
    [...lines.matchAll(/^([^:\r\n]+): (.*)\r\n/gm)].map(([, name, value]) => [name, value]),
  );
}
