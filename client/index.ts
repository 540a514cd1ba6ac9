// The public API of encke-client.

import { EnckeStream, type FollowOptions } from "./stream.ts";

export { EnckeError, LostError, RefusedError } from "./errors.ts";
export type { Goodbye, Resync, StreamEvent } from "./messages.ts";
export type { TokenSource } from "./read.ts";
export { signIn, signOut } from "./session.ts";
export { EnckeStream, type FollowOptions, type StreamEventMap, type StreamState } from "./stream.ts";

/**
 * Reads a user's events, and reconnects until it is closed or refused for good: every event once, or a
 * `resync` where something may be missing.
 *
 *     for await (const event of follow("https://host/stream")) console.log(event);
 *
 * @throws TypeError for a bad URL, or `share` without a user
 */
export function follow(url: string | URL, options?: FollowOptions): EnckeStream {
  return new EnckeStream(url, options);
}
