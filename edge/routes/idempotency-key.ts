// The header `Idempotency-Key`, with which a client repeats a publish safely. It becomes the event's message
// id. The id is made of the topic and the key, so one user's key never suppresses another user's event.

import type { Context } from "hono";

const encoder = new TextEncoder();

/** Returns the message id for a request that publishes to a topic; undefined without a key. */
export async function messageIdOf(c: Context, topic: string): Promise<string | undefined> {
  const key = c.req.header("Idempotency-Key");
  if (key === undefined || key === "") return undefined;
  const hash = await crypto.subtle.digest("SHA-256", encoder.encode(`${topic}\n${key}`));
  return `http-${Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
