// One user's stream: an EventSource, which is replaced when it has closed permanently. EventSource closes
// after any response except a 200 with events (a proxy's 503, a login page), and exposes neither status nor
// headers. The page then sends one request of its own, reads both, and opens a new EventSource when that
// makes sense, with the id at which the previous one ended.

import type { StreamEvent } from "./api.ts";
import { ApiError, isFinal, pause, pauseMs } from "./refusal.ts";

/** When a proxy refuses, the EventSources of all pages close at the same time. */
const ASK_SPREAD_MS = 1_000;

export type StreamState = "connecting" | "live" | "reconnecting" | "closed";

export interface LiveStreamOptions {
  readonly user: string;
  readonly onState: (state: StreamState) => void;
  readonly onEvent: (event: StreamEvent) => void;
  /** Called when something happened to the stream that the visitor should be told. */
  readonly onNote: (text: string) => void;
}

export class LiveStream {
  readonly #options: LiveStreamOptions;
  readonly #closing = new AbortController();
  #source: EventSource;
  #lastEventId = "";
  /** EventSources that have closed permanently since the last welcome. */
  #failures = 0;
  /** Texts shown since the last welcome: an edge that stays full repeats its refusal at each attempt. */
  readonly #noted = new Set<string>();

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    options.onState("connecting");
    this.#source = this.#open();
  }

  close(): void {
    this.#closing.abort();
    this.#source.close();
  }

  get #url(): string {
    const query = new URLSearchParams({ user: this.#options.user });
    // for the first request; later requests send the header
    if (this.#lastEventId !== "") query.set("lastEventId", this.#lastEventId);
    return `/stream?${query}`;
  }

  #open(): EventSource {
    const source = new EventSource(this.#url);
    const on = (type: string, act: (data: string) => void): void =>
      source.addEventListener(type, ({ data, lastEventId }: MessageEvent<string>) => {
        this.#lastEventId = lastEventId;
        act(data);
      });
    on("welcome", () => this.#live());
    on("message", (data) => this.#options.onEvent(JSON.parse(data) as StreamEvent));
    on("resync", () => this.#note("something may have been missed here"));
    on("goodbye", (data) =>
      this.#note(`the edge says goodbye (${(JSON.parse(data) as { reason: string }).reason})`),
    );
    source.addEventListener("error", () => {
      this.#options.onState("reconnecting");
      if (source.readyState === EventSource.CLOSED) void this.#recover();
    });
    return source;
  }

  #live(): void {
    this.#failures = 0;
    this.#noted.clear();
    this.#options.onState("live");
  }

  async #recover(): Promise<void> {
    const { signal } = this.#closing;
    try {
      await pause(Math.random() * ASK_SPREAD_MS, signal);
      const error = await this.#ask(signal);
      if (isFinal(error)) {
        this.#options.onState("closed");
        this.#note((error as ApiError).message);
        return;
      }
      await pause(pauseMs(this.#failures, error), signal);
      this.#failures += 1;
      this.#source = this.#open();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /**
   * Returns the refusal that EventSource received, read from an identical request; undefined if a stream
   * would begin now.
   */
  async #ask(signal: AbortSignal): Promise<unknown> {
    const asking = new AbortController();
    const stop = (): void => asking.abort();
    signal.addEventListener("abort", stop);
    try {
      const headers = { Accept: "text/event-stream" };
      const response = await fetch(this.#url, { headers, cache: "no-store", signal: asking.signal });
      const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream") === true;
      return response.ok && isStream ? undefined : await ApiError.of(response);
    } catch (error) {
      return error;
    } finally {
      signal.removeEventListener("abort", stop);
      asking.abort();
    }
  }

  #note(text: string): void {
    if (this.#noted.has(text)) return;
    this.#noted.add(text);
    this.#options.onNote(text);
  }
}
