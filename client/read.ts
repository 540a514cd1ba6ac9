// Reads a stream over one connection at a time, and reconnects until it is stopped or refused for good. It
// owns the connection, its timer and the waits; what has been received, and therefore the cursor, belongs to
// the caller.

import { abortWith } from "./abort.ts";
import { OFTEN, retryAfterMs, waitMs } from "./back-off.ts";
import { now } from "./clock.ts";
import { RefusedError } from "./errors.ts";
import type { Message, Sink } from "./messages.ts";
import type { Pace } from "./pace.ts";
import { parseNdjson, parseServerSentEvents } from "./parse.ts";
import { pause, untilAwake } from "./wake.ts";

/** Returns a token, or a promise of one. Called before each request. */
export type TokenSource = () => string | Promise<string>;

export interface Request extends Required<Pace> {
  readonly url: URL;
  readonly format?: "sse" | "ndjson";
  readonly token?: TokenSource | undefined;
  readonly credentials?: RequestCredentials;
  /** The position to continue from, at the moment of a request. */
  readonly cursor: () => string | undefined;
  /** Resolves once the caller can take more. */
  readonly room: () => Promise<unknown>;
}

/** Why a connection ended. */
interface End {
  readonly code: string;
  message: string;
  /** The HTTP status, if another request would get it as well. */
  readonly status?: number | undefined;
}

/** Type and parser of each format. */
const FORMATS = {
  sse: ["text/event-stream", parseServerSentEvents],
  ndjson: ["application/x-ndjson", parseNdjson],
} as const;
/** The edge sends something at least every 25 s. */
const SILENT_MS = 40_000;
const CHECK_MS = 5_000;
/** A connection that lasted this long was a good one: the next failure is the first. */
const GOOD_MS = 30_000;
/** The time after the first request, or after a good connection, in which requests may follow quickly. */
const EARLY_MS = 60_000;
const FINAL: Readonly<Record<number, string>> = { 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND" };
/** Statuses below 500 that say nothing about the request itself: a timeout, and too many requests. */
const PASSING = [408, 429];

/** After these the server has said when the next request may come, so a page that wakes up still waits. */
const DEMANDED = ["REFUSED", "GOODBYE"];

/**
 * Resolves once `signal` is aborted. Each message goes to `sink` in the order of the stream.
 * @throws RefusedError if another request would be refused in the same way
 */
export async function read(request: Request, sink: Sink, signal: AbortSignal): Promise<void> {
  const { token, speed, random } = request;
  let failures = 0;
  let goodAt = now();
  let isTokenNew = true;
  while (!signal.aborted) {
    const startedAt = now();
    const connection = new Connection(request, sink, signal);
    const { code, message, status } = await connection.run();
    if (signal.aborted) return;
    if (connection.isOpen) isTokenNew = true;
    // a token may have expired on the way; a new one is refused for a reason
    if (status === 401 && token && isTokenNew) {
      isTokenNew = false;
      continue;
    }
    if (status) throw new RefusedError(code, status, message);
    if (connection.isOpen && now() - startedAt >= GOOD_MS / speed) {
      failures = 0;
      goodAt = now();
    }
    // slow failures would otherwise be spread over several minutes
    failures += now() - goodAt < EARLY_MS / speed ? 1 : OFTEN;
    // after an expired token, a new one is needed, and no wait
    const isExpired = code === "EXPIRED" && failures === 1;
    const retryMs = isExpired ? 0 : waitMs(failures, connection.askedMs, random);
    sink({ kind: "lost", detail: { code, message, retryMs } });
    await pause(retryMs / speed, signal, !DEMANDED.includes(code));
  }
}

/** One request and its response. */
class Connection {
  readonly #request: Request;
  readonly #sink: Sink;
  readonly #abort: AbortController;
  #heardAt = now();
  #end: End | undefined;
  isOpen = false;
  /** The time that the server demands before the next request. */
  askedMs: number | undefined;

  constructor(request: Request, sink: Sink, signal: AbortSignal) {
    this.#request = request;
    this.#sink = sink;
    this.#abort = abortWith(signal);
  }

  /** Reads until the connection ends, or at most until the signal is aborted. */
  async run(): Promise<End> {
    const { signal } = this.#abort;
    const { speed } = this.#request;
    const check = (isOnlineAgain: boolean): void => {
      if (now() - this.#heardAt < (isOnlineAgain ? 0 : SILENT_MS / speed)) return;
      this.#finish("SILENT", "the edge is silent");
      this.#abort.abort();
    };
    const checking = setInterval(check, CHECK_MS / speed, false);
    untilAwake(check, signal);
    // a token or an application that never comes must not hold what is stopped
    const stopped = new Promise<void>((resolve) => {
      signal.onabort = () => resolve();
    });
    try {
      await Promise.race([this.#read(), stopped]);
    } catch (error) {
      this.#finish("NETWORK", String(error));
    }
    clearInterval(checking);
    this.#abort.abort();
    return this.#finish("ENDED", "the stream ended");
  }

  async #read(): Promise<End | undefined> {
    const { url, token, cursor, room, format = "sse", credentials = "same-origin" } = this.#request;
    const [accepted, parser] = FORMATS[format];
    const headers: Record<string, string> = { Accept: accepted };
    try {
      if (token) headers.Authorization = `Bearer ${await token()}`;
    } catch (error) {
      return this.#finish("NO_TOKEN", String(error));
    }
    const last = cursor();
    const target = new URL(url);
    // in the query it needs no permission of another origin
    if (last) target.searchParams.set("last_event_id", last);
    const { signal } = this.#abort;
    const response = await fetch(target, { headers, credentials, cache: "no-store", signal });
    this.#heardAt = now();
    if (!response.ok) return this.#refuse(response);
    const type = response.headers.get("Content-Type");
    if (!response.body || !type?.startsWith(accepted))
      return this.#finish("NOT_A_STREAM", `the response is ${type}`);
    const body = response.body.getReader();
    const parse = parser((message) => this.#take(message));
    const decoder = new TextDecoder();
    while (!this.#end) {
      const { done, value } = await body.read();
      if (done) return;
      if (!parse(decoder.decode(value, { stream: true }))) this.#finish("NOT_A_STREAM", "a line is too long");
      // a slow application is not a silent edge
      this.#heardAt = Infinity;
      await room();
      this.#heardAt = now();
    }
  }

  #take(message: Message): void {
    if (this.#end || this.#abort.signal.aborted) return;
    const { kind, detail, retryMs } = message;
    if (kind === "open") this.isOpen = true;
    this.askedMs = retryMs ?? this.askedMs;
    if (kind === "goodbye")
      this.#finish(detail.reason === "expired" ? "EXPIRED" : "GOODBYE", `goodbye: ${detail.reason}`);
    this.#sink(message);
  }

  async #refuse(response: Response): Promise<End> {
    const { status, headers, url } = response;
    const final = status >= 400 && status < 500 && !PASSING.includes(status) ? status : 0;
    this.askedMs = retryAfterMs(headers);
    const code = final ? (FINAL[final] ?? "BAD_REQUEST") : "REFUSED";
    const end = this.#finish(code, `${url} responded ${status}`, final);
    // the edge's own explanation; a proxy's page has none
    const body = await response.json().catch(() => undefined);
    end.message = body?.message ?? end.message;
    return end;
  }

  /** Notes why the connection ends, unless that is known, and returns it. */
  #finish(code: string, message: string, status?: number): End {
    this.#end ??= { code, message, status };
    return this.#end;
  }
}
