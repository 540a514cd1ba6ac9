// One connection for all tabs that read the same URL. A lock of the browser decides who leads: the leading
// tab reads the stream and broadcasts every message, and the others listen. When it closes, crashes or is
// frozen, the browser gives its lock to the next tab, which continues from its own cursor.
//
// Tabs may be at different positions: one was frozen, another was reloaded. A tab is unsure while the leader
// may have started ahead of it. The first event decides: if the tab has it already, it has all that is
// before. Otherwise the tab takes the lock away and reads from its own cursor, as it does once the leader has
// been open for so long that it has everything. The others then hear again what they have, and recognise it
// by the ids of its events.
//
// The state is in closures of one function instead of a class, which would be a tenth larger in every page.

import { abortWith } from "./abort.ts";
import { now } from "./clock.ts";
import type { Message, Sink } from "./messages.ts";
import { type Request, read } from "./read.ts";

/** A tab that hears nothing for so long asks the leader whether it is there. */
const QUIET_MS = 30_000;
/** A leader that does not reply within this time has been frozen or is busy for ever. */
const REPLY_MS = 4_000;
/** Tabs check at different moments, so they do not give up on a leader all at once. */
const CHECK_MS = 1_000;
/** A stream that is open for so long has been sent what it missed: the edge gives up earlier. */
const CAUGHT_UP_MS = 6_000;

type Said =
  | Message
  | { readonly kind: "ask" }
  /** The position of the leader, at the beginning of its turn and when a tab has asked. */
  | {
      readonly kind: "at";
      readonly cursor: string | undefined;
      /** For how long its stream has been open; negative while it is not. */
      readonly openMs: number;
    };

interface Broadcast {
  /** Of two leading tabs, the one with the higher number has taken the lock from the other. */
  readonly turn: number;
  readonly said: Said;
}

/**
 * Like `read`, over a connection that one of the tabs holds. Needs the Web Locks API.
 * @param ids of the events that `sink` has taken
 * @throws RefusedError when this tab leads and is refused; DOMException if this page may not use locks
 */
export async function readTogether(
  request: Request,
  sink: Sink,
  outer: AbortSignal,
  ids: ReadonlySet<string>,
): Promise<void> {
  const name = `encke ${request.url}`;
  const channel = new BroadcastChannel(name);
  /** Aborted to stop waiting for the lock, or to stop reading. */
  let waiting: AbortController;
  /** The highest turn of all tabs. */
  let turn = 0;
  let isLeading = false;
  let mustSteal = false;
  let isUnsure = request.cursor() !== undefined;
  /** Since when the leader's stream is open; infinite while it is not. */
  let openAt = Infinity;
  let hasAsked: boolean;
  /** When the leader is asked, or given up if it has been. */
  let patienceEndsAt: number;

  const say = (said: Said): void => channel.postMessage({ turn, said } satisfies Broadcast);
  const tellPosition = (): void => say({ kind: "at", cursor: request.cursor(), openMs: now() - openAt });
  const isCaughtUp = (): boolean => now() - openAt > CAUGHT_UP_MS;
  const pass = (message: Message): void => {
    if (message.kind === "open") openAt = now();
    if (message.kind === "lost") openAt = Infinity;
    sink(message);
  };
  const ask = (): void => {
    hasAsked = true;
    patienceEndsAt = now() + REPLY_MS;
    say({ kind: "ask" });
  };
  const steal = (): void => {
    mustSteal = true;
    waiting.abort();
  };
  const check = (): void => {
    if (isLeading) return;
    const isLate = now() > patienceEndsAt;
    if ((isLate && hasAsked) || (isUnsure && isCaughtUp())) steal();
    else if (isLate) ask();
  };
  channel.onmessage = ({ data: { turn: theirs, said } }: MessageEvent<Broadcast>) => {
    if (said.kind === "ask") {
      if (isLeading) tellPosition();
      return;
    }
    // a tab whose lock was taken away may say a few words more
    if (theirs < turn) return;
    if (theirs > turn) {
      // another tab leads: one that had everything is not behind it
      turn = theirs;
      isUnsure ||= !isCaughtUp() && request.cursor() !== undefined;
      openAt = Infinity;
      mustSteal = false;
      if (isLeading) waiting.abort();
      isLeading = false;
    }
    hasAsked = false;
    patienceEndsAt = now() + QUIET_MS;
    if (said.kind === "at") {
      const { cursor, openMs } = said;
      if (cursor === request.cursor()) isUnsure = false;
      if (openMs >= 0 && openAt > now()) {
        pass({ kind: "open", cursor });
        openAt -= openMs;
      }
      check();
    } else if (!isUnsure || said.kind === "open" || said.kind === "lost") pass(said);
    else if (said.kind === "event" && ids.has(said.detail.id)) isUnsure = false;
    else if (said.kind !== "cursor") steal();
  };

  /** The lock is held until this resolves: at once after `signal`, as a page that freezes runs no more. */
  const lead = (signal: AbortSignal): Promise<unknown> => {
    isLeading = true;
    mustSteal = isUnsure = false;
    turn = Math.max(turn + 1, performance.timeOrigin + now());
    openAt = Infinity;
    tellPosition();
    const tell = (message: Message): void => {
      if (signal.aborted) return;
      say(message);
      pass(message);
    };
    return Promise.race([
      read(request, tell, signal),
      new Promise((resolve) => signal.addEventListener("abort", resolve)),
    ]);
  };

  const checking = setInterval(check, CHECK_MS);
  ask();
  try {
    while (!outer.aborted) {
      waiting = abortWith(outer);
      const { signal } = waiting;
      const options: LockOptions = mustSteal ? { steal: true } : { signal };
      try {
        await navigator.locks.request(name, options, () => lead(signal));
      } catch (error) {
        // the lock was taken away, or is no longer waited for
        if ((error as Error).name !== "AbortError") throw error;
      } finally {
        waiting.abort();
        isLeading = false;
      }
    }
  } finally {
    clearInterval(checking);
    channel.close();
  }
}
