// The stream as an application sees it: typed events, and an asynchronous iteration over the events alone. It
// knows the cursor and the ids of what it has received, so whatever reads for it (a connection of its own, or
// another tab) may repeat itself.

import { abortWith } from "./abort.ts";
import { LostError, RefusedError } from "./errors.ts";
import type { Goodbye, Message, Resync, StreamEvent } from "./messages.ts";
import type { Pace } from "./pace.ts";
import { Queue } from "./queue.ts";
import { type Request, read, type TokenSource } from "./read.ts";
import { untilSignedOut } from "./session.ts";
import { readTogether } from "./tabs.ts";
import { untilFrozen } from "./wake.ts";

export interface FollowOptions {
  /** Returns a token. Called before each request; without it, cookies sign in. */
  readonly token?: TokenSource;
  /**
   * The signed-in user, sent as `?user=`. If the cookie or the token belongs to another user by then, the
   * edge refuses instead of sending that user's events.
   */
  readonly user?: string;
  /** Shares one connection among the tabs of a browser that read the same URL for the same user. */
  readonly share?: boolean;
  /** Continues after this cursor, for instance one that the application stored before a reload. */
  readonly cursor?: string;
  /** Ends the stream, without an error. */
  readonly signal?: AbortSignal;
  /** As for `fetch`. `include` sends cookies to an edge of another origin. */
  readonly credentials?: RequestCredentials;
  /** Server-sent events (default), or newline-delimited JSON. */
  readonly format?: "sse" | "ndjson";
}

/** `connecting` until the first `open`, `lost` between connections, `closed` for good. */
export type StreamState = "connecting" | "open" | "lost" | "closed";

/** What a stream dispatches, by type. */
export interface StreamEventMap {
  /** From now on the stream has everything. */
  readonly open: CustomEvent<null>;
  readonly event: CustomEvent<StreamEvent>;
  readonly resync: CustomEvent<Resync>;
  readonly goodbye: CustomEvent<Goodbye>;
  /** The connection is lost, and the client reconnects. */
  readonly lost: CustomEvent<LostError>;
  /**
   * `cursor` has moved: the moment to store it for an application that listens. One that iterates stores the
   * `cursor` of the event that it has handled.
   */
  readonly cursor: CustomEvent<string>;
  /** The stream has ended: with an error unless the application ended it. */
  readonly close: CustomEvent<RefusedError | null>;
}

interface TypedTarget {
  addEventListener<Type extends keyof StreamEventMap>(
    type: Type,
    listener: (event: StreamEventMap[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof StreamEventMap>(
    type: Type,
    listener: (event: StreamEventMap[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  dispatchEvent(event: Event): boolean;
}

const Target = EventTarget as unknown as new () => TypedTarget;

/** Ids of events kept to recognise one that comes again: more than an edge replays at once. */
const KEPT_IDS = 5_000;

/**
 * A stream of one user's events that reconnects and misses nothing. It begins to read with the first
 * iteration or the first listener for `event`, so nothing arrives before it can be taken. Ended by `close`,
 * or by its signal.
 */
export class EnckeStream extends Target implements AsyncIterable<StreamEvent> {
  readonly #options: FollowOptions & Pace;
  readonly #url: URL;
  readonly #closing: AbortController;
  readonly #ids = new Set<string>();
  readonly #queues = new Set<Queue>();
  #running: Promise<void> | undefined;
  #state: StreamState = "connecting";
  #cursor: string | undefined;
  #error: RefusedError | null = null;

  /** @throws TypeError for a bad URL, or `share` without a user */
  constructor(url: string | URL, options: FollowOptions & Pace = {}) {
    super();
    const { user, share, cursor, signal } = options;
    this.#options = options;
    this.#url = new URL(url, globalThis.location?.href);
    const { searchParams } = this.#url;
    if (user) searchParams.set("user", user);
    if (share && !searchParams.has("user")) throw new TypeError("`share` needs `user`");
    this.#cursor = cursor;
    this.#closing = abortWith(signal);
  }

  get state(): StreamState {
    return this.#state;
  }

  /**
   * The position of what was received last: give it to a later stream, and nothing is missing between. An
   * iteration may be behind it.
   */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /** Ends the stream. Iterations end as well. */
  close(): void {
    this.#closing.abort();
    this.#start();
  }

  /** A listener for `event` starts the stream, as an iteration does. */
  override addEventListener<Type extends keyof StreamEventMap>(
    type: Type,
    listener: (event: StreamEventMap[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
    if (type === "event") this.#start();
  }

  /**
   * Yields events. Leaving the loop closes the stream.
   * @throws RefusedError when the stream ends with one
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    this.#start();
    const queue = new Queue();
    if (this.#state === "closed") queue.end();
    this.#queues.add(queue);
    try {
      for (let event = await queue.take(); event; event = await queue.take()) yield event;
      if (this.#error) throw this.#error;
    } finally {
      this.#queues.delete(queue);
      queue.end();
      this.close();
    }
  }

  #start(): void {
    // what is added in the same turn misses nothing
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  /** Holds no connection while the page is frozen, and continues where it was afterwards. */
  async #run(): Promise<void> {
    const closing = this.#closing.signal;
    let reading = this.#closing;
    let isFrozen = false;
    let thaw = (): void => {};
    closing.onabort = () => thaw();
    untilFrozen((isFrozenNow) => {
      isFrozen = isFrozenNow;
      if (isFrozen) reading.abort();
      else thaw();
    }, closing);
    const stopWatching = untilSignedOut(this.#url, () => {
      this.#error = new RefusedError("SIGNED_OUT", 0, "the user has signed out");
      this.close();
    });
    try {
      while (!closing.aborted) {
        reading = abortWith(closing);
        if (!isFrozen) await this.#read(reading.signal);
        else
          await new Promise<void>((resolve) => {
            thaw = resolve;
          });
      }
    } catch (error) {
      this.#error = error as RefusedError;
    } finally {
      this.#closing.abort();
      stopWatching();
      this.#state = "closed";
      this.#say("close", this.#error);
      for (const queue of this.#queues) queue.end();
    }
  }

  #read(signal: AbortSignal): Promise<void> {
    const isShared = this.#options.share && globalThis.navigator?.locks;
    const request: Request = {
      ...{ speed: 1, random: Math.random },
      ...this.#options,
      url: this.#url,
      cursor: () => this.#cursor,
      // the other tabs do not wait for this one
      room: async () => isShared || Promise.all([...this.#queues].map((queue) => queue.room())),
    };
    return (isShared ? readTogether : read)(request, (message) => this.#take(message), signal, this.#ids);
  }

  #take({ kind, detail, cursor }: Message): void {
    if (this.#closing.signal.aborted) return;
    if (kind === "event") {
      // what comes again says nothing new, and its cursor is an old one
      if (this.#ids.has(detail.id)) return;
      this.#ids.add(detail.id);
      const [oldest = ""] = this.#ids;
      if (this.#ids.size > KEPT_IDS) this.#ids.delete(oldest);
      for (const queue of this.#queues) queue.push(detail);
    }
    if (kind === "open" || kind === "lost") this.#state = kind;
    if (kind === "lost") this.#say(kind, new LostError(detail));
    else if (kind !== "cursor") this.#say(kind, detail);
    // a stream that opens repeats the cursor that it was given
    if (!cursor || cursor === this.#cursor || (kind === "open" && this.#cursor)) return;
    this.#cursor = cursor;
    this.#say("cursor", cursor);
  }

  #say<Type extends keyof StreamEventMap>(type: Type, detail?: StreamEventMap[Type]["detail"]): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
