// Signing in and out by cookie, for all tabs of a browser: the tab that does it tells the others, because the
// cookie is theirs, too, and their streams belong to the user before.

import { RefusedError } from "./errors.ts";

/**
 * Signs in by cookie at the edge of `url`. Streams of other users there end in every tab, with `SIGNED_OUT`.
 * @returns the user
 * @throws RefusedError with the explanation of the edge
 */
export function signIn(url: string | URL, token: string): Promise<string> {
  return call(url, "POST", { Authorization: `Bearer ${token}` }) as Promise<string>;
}

/** Signs out by cookie at the edge of `url`. Streams there end in every tab, with `SIGNED_OUT`. */
export async function signOut(url: string | URL): Promise<void> {
  await call(url, "DELETE");
}

/**
 * Calls back when a tab signs in as another user than the one of this stream, or signs out. Returns the end.
 */
export function untilSignedOut(url: URL, onSignedOut: () => void): () => void {
  if (!globalThis.document) return () => {};
  const channel = channelOf(url);
  channel.onmessage = ({ data: user }: MessageEvent<string | undefined>) => {
    if (user !== url.searchParams.get("user")) onSignedOut();
  };
  return () => channel.close();
}

/** Returns the user who is signed in then, of whom all tabs are told. */
async function call(
  url: string | URL,
  method: string,
  headers: Record<string, string> = {},
): Promise<string | undefined> {
  const target = new URL("/session", new URL(url, globalThis.location?.href));
  const response = await fetch(target, { method, headers, credentials: "include" });
  const reply = await response.json().catch(() => undefined);
  if (!response.ok) throw new RefusedError("UNAUTHORIZED", response.status, reply?.message ?? target.href);
  const channel = channelOf(target);
  channel.postMessage(reply?.user);
  channel.close();
  return reply?.user;
}

function channelOf({ origin }: URL): BroadcastChannel {
  return new BroadcastChannel(`encke-session ${origin}`);
}
