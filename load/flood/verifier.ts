// The end-to-end check: readers on real streams, and for each of them what must arrive, event by event. It knows from
// the graph whom each reader follows, numbers every author's events, and finds what is lost, doubled or out of order.

import type { UserId } from "../../broker/contract.ts";
import { StreamClient } from "../http/stream-client.ts";
import { Latency, type LatencyMs } from "./latency.ts";

/** What a verified event carries. */
export interface Numbered {
  /** Tells this run's events from others'. */
  readonly run: string;
  readonly from: string;
  /** Counts this author's events from 1. */
  readonly seq: number;
  readonly sentUs: number;
}

export interface Verdict {
  readonly streams: number;
  readonly expected: number;
  readonly received: number;
  /** Did not arrive, and the stream never said that it may miss them. */
  readonly lost: number;
  /** Did not arrive, and the stream said so: a later `resync` covers them. */
  readonly told: number;
  readonly duplicated: number;
  /** Arrived after a later one of the same author. */
  readonly reordered: number;
  /** Streams that ended by themselves. */
  readonly closed: number;
  /** Times that a stream said it may have missed something. */
  readonly resyncs: number;
  readonly latencyMs: LatencyMs | undefined;
}

/** What one reader has seen of one author. */
interface AuthorProgress {
  next: number;
  readonly missing: Set<number>;
  /** Events up to this number were sent before the stream last said that it may miss some. */
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
  /** Author → how many readers see them. */
  readonly #audience = new Map<string, number>();
  /** Author → events sent. */
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

  /** Opens a reader's stream, who must see these authors. Resolves when the stream is open. @throws Error */
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
            status === 200 ? resolve() : reject(new Error(`/stream?user=${user} answered ${status}`)),
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

  /** The next number of an author; call it right before the event is published. */
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
      } else this.#duplicated += 1; // a second time, or to somebody who does not follow its author
      return;
    }
    for (let gap = seen.next; gap < seq; gap += 1) seen.missing.add(gap);
    seen.next = seq + 1;
    this.#received += 1;
    this.#latency.note(sentUs);
  }
}
