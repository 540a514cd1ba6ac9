// Signals within signals. Whatever is begun for a time listens with a signal of its own, and aborting that
// one removes every listener at once.

/** Returns a controller that is aborted with `signal` at the latest; its abort frees what it holds there. */
export function abortWith(signal: AbortSignal | undefined): AbortController {
  const inner = new AbortController();
  signal?.addEventListener("abort", () => inner.abort(), { signal: inner.signal });
  if (signal?.aborted) inner.abort();
  return inner;
}
