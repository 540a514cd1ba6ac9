// The end-to-end check: readers with real streams, and the events that each must receive. It learns from the
// graph whom each reader follows, numbers every author's events, and detects lost, duplicated and reordered
// ones.

import type { UserId } from "../../broker/contract.ts";
import { StreamClient } from "../http/stream-client.ts";
import { Latency, type LatencyMs } from "./latency.ts";

/** The payload of a verified event. */
export interface Numbered {
  /** Distinguishes events of this run from others. */
  readonly run: string;
  readonly from: string;
  /** Number of the event among this author's, from 1. */
  readonly seq: number;
  readonly sentUs: number;
}

export interface Verdict {
  readonly streams: number;
  readonly expected: number;
  readonly received: number;
  /** Events that did not arrive and that no resync covers. */
  readonly lost: number;
  /** Events that did not arrive and that a later `resync` covers. */
  readonly told: number;
  readonly duplicated: number;
  /** Events that arrived after a later one of the same author. */
  readonly reordered: number;
  /** Streams that closed unexpectedly. */
  readonly closed: number;
  /** Number of resyncs received. */
  readonly resyncs: number;
  readonly latencyMs: LatencyMs | undefined;
}

/** What one reader has received from one author. */
interface AuthorProgress {
  next: number;
  readonly missing: Set<number>;
  /** Events up to this number were sent before the last resync. */
  coveredTo: number;
}

interface Reader {
  readonly client: StreamClient;
  readonly authors: Map<string, AuthorProgress>;
  partial: string;
}

export class Verifier {
  readonly #run: string;
  readonly #readers: Reader[] = [];
  /** Number of readers who receive each author's events. */
  readonly #audience = new Map<string, number>();
  /** Events that each author sent. */
  readonly #sent = new Map<string, number>();
  readonly #latency = new Latency();
  readonly #decoder = new TextDecoder();
  #closing = false;
  #expected = 0;
  #received = 0;
  #duplicated = 0;
  #reordered = 0;
  #closed = 0;
  #resyncs = 0;

  constructor(run: string) {
    this.#run = run;
  }

  get received(): number {
    return this.#received;
  }

  get complete(): boolean {
    return this.#received >= this.#expected;
  }

  /**
   * Opens the stream of a reader who must receive these authors' events. Resolves when the stream is open.
   * @throws Error
   */
  openReader(edge: URL, user: UserId, authors: Iterable<string>): Promise<void> {
    const seen = new Map<string, AuthorProgress>();
    for (const author of authors) {
      seen.set(author, { next: 1, missing: new Set(), coveredTo: 0 });
      this.#audience.set(author, (this.#audience.get(author) ?? 0) + 1);
    }
    return new Promise((resolve, reject) => {
      const reader: Reader = {
        authors: seen,
        partial: "",
        client: new StreamClient({
          url: new URL(`/stream?user=${user}`, edge),
          onHead: ({ status }) =>
            status === 200 ? resolve() : reject(new Error(`/stream?user=${user} returned status ${status}`)),
          onChunk: (data) => this.#read(reader, data),
          onClose: (_complete, error) => {
            reject(error ?? new Error("the stream ended before it began"));
            if (!this.#closing) this.#closed += 1;
          },
        }),
      };
      this.#readers.push(reader);
    });
  }

  /** Returns the number of an author's next event; call it right before the event is published. */
  numberOf(author: string): number {
    const seq = this.#sentBy(author) + 1;
    this.#sent.set(author, seq);
    this.#expected += this.#audience.get(author) ?? 0;
    return seq;
  }

  close(): Verdict {
    this.#closing = true;
    let lost = 0;
    let told = 0;
    for (const { client, authors } of this.#readers) {
      client.close();
      for (const [author, { next, missing, coveredTo }] of authors) {
        for (let seq = next; seq <= this.#sentBy(author); seq += 1) missing.add(seq);
        const covered = [...missing].filter((seq) => seq <= coveredTo).length;
        told += covered;
        lost += missing.size - covered;
      }
    }
    return {
      streams: this.#readers.length,
      expected: this.#expected,
      received: this.#received,
      lost,
      told,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      closed: this.#closed,
      resyncs: this.#resyncs,
      latencyMs: this.#latency.ms,
    };
  }

  #read(reader: Reader, data: Buffer): void {
    const lines = (reader.partial + this.#decoder.decode(data)).split("\n");
    reader.partial = lines.pop() ?? "";
    for (const line of lines) {
      const { data: event, resync } = JSON.parse(line) as { data?: Numbered; resync?: object };
      if (resync !== undefined) this.#noteResync(reader);
      else if (event?.run === this.#run) this.#note(reader, event);
    }
  }

  #sentBy(author: string): number {
    return this.#sent.get(author) ?? 0;
  }

  #noteResync({ authors }: Reader): void {
    this.#resyncs += 1;
    for (const [author, seen] of authors) seen.coveredTo = this.#sentBy(author);
  }

  #note(reader: Reader, { from, seq, sentUs }: Numbered): void {
    const seen = reader.authors.get(from);
    if (seen === undefined || seq < seen.next) {
      if (seen?.missing.delete(seq) === true) {
        this.#reordered += 1;
        this.#received += 1;
      } else this.#duplicated += 1; // a duplicate, or an event of an author whom the reader does not follow
      return;
    }
    for (let gap = seen.next; gap < seq; gap += 1) seen.missing.add(gap);
    seen.next = seq + 1;
    this.#received += 1;
    this.#latency.note(sentUs);
  }
}
