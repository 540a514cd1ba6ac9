// What a browser tells a page about its own life: back online, visible again, frozen, thawed. In Node nothing
// of this happens, and waits are only timers.

import { abortWith } from "./abort.ts";

const page: EventTarget | null | undefined = globalThis.document?.defaultView;

/** Calls back whenever the page wakes, with true if its network was away, until `signal` is aborted. */
export function untilAwake(onAwake: (isOnlineAgain: boolean) => void, signal: AbortSignal): void {
  const shown = (): void => {
    if (!document.hidden) onAwake(false);
  };
  listen("online", () => onAwake(true), signal);
  listen("pageshow", shown, signal);
  listen("visibilitychange", shown, signal);
}

/** Calls back when the page is frozen or put aside, and when it runs again, until `signal` is aborted. */
export function untilFrozen(onFrozen: (isFrozen: boolean) => void, signal: AbortSignal): void {
  const thaw = (): void => onFrozen(false);
  listen("freeze", () => onFrozen(true), signal);
  listen("resume", thaw, signal);
  listen("pagehide", (event) => onFrozen((event as PageTransitionEvent).persisted), signal);
  listen("pageshow", thaw, signal);
}

/** Resolves after a time, when `signal` is aborted, or, if that helps, when the page wakes. */
export function pause(ms: number, signal: AbortSignal, mayWake: boolean): Promise<void> {
  const waiting = abortWith(signal);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      waiting.abort();
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (mayWake) untilAwake(done, waiting.signal);
    waiting.signal.onabort = done;
    if (signal.aborted) done();
  });
}

function listen(type: string, listener: (event: Event) => void, signal: AbortSignal): void {
  // events of the document reach the window only while it captures
  page?.addEventListener(type, listener, { capture: true, signal });
}
