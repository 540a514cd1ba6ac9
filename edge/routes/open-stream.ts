// Opens a stream, in the same way for every format: checks the limits, makes the users reachable, and returns
// a response that stays open. The head is sent only when events can reach the stream, so a client that
// publishes after it has seen the head receives its own event.

import type { Context } from "hono";
import { START_CURSOR, type UserId } from "../../broker/contract.ts";
import { EdgeError } from "../errors.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { EdgeServices } from "../services.ts";
import { type PresentedCursor, presentedCursor } from "./presented-cursor.ts";

/** Delay of a reader's reconnection after its connection broke, spread over two seconds. */
const RETRY_MS = { min: 1_000, spread: 2_000 };

export interface StreamRequest {
  readonly users: readonly UserId[];
  readonly format: StreamFormat;
  readonly expiresAtMs: number | undefined;
  readonly tickMs?: number | undefined;
}

/** @throws EdgeError if a limit is reached */
export async function openStream(
  c: Context,
  services: EdgeServices,
  request: StreamRequest,
): Promise<Response> {
  const { users, format } = request;
  const presented = presentedCursor(c);
  const headers = {
    "Content-Type": format.contentType,
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    Vary: "Accept, Authorization, Cookie, Origin",
  };
  if (format.refusesInWords) {
    const goodbye = (reason: string, retryMs: number): string =>
      format.goodbye(reason, retryMs, presented?.cursor);
    c.set("askedStream", { headers, goodbye });
  }
  services.admission.check(users);
  if (c.req.raw.method === "HEAD") return c.body(null, 200, headers);
  const sure = await joinCounted(services, users);
  try {
    const { cursor } = services.position;
    const opening = openingOf(request, { presented, sure, cursor });
    return services.hold(c, { ...request, opening, cursor }, headers);
  } catch (error) {
    services.fanout.leave(users);
    throw error;
  }
}

async function joinCounted({ fanout, admission }: EdgeServices, users: readonly UserId[]): Promise<boolean> {
  try {
    return await fanout.join(users);
  } catch (error) {
    if (error instanceof EdgeError && error.code === "EDGE_FULL") admission.noteFull();
    throw error;
  }
}

interface Beginning {
  readonly presented: PresentedCursor | undefined;
  readonly sure: boolean;
  /** The position at which the stream begins. */
  readonly cursor: string;
}

/**
 * The welcome keeps a returning reader's cursor; only the resync after it moves the cursor past the missed
 * events.
 */
function openingOf({ users, format }: StreamRequest, { presented, sure, cursor }: Beginning): string {
  const retryMs = RETRY_MS.min + Math.floor(Math.random() * RETRY_MS.spread);
  const before = presented === undefined ? cursor : (presented.cursor ?? START_CURSOR);
  const welcome = format.welcome({ users, retryMs, cursor: before });
  // events are not stored yet, so a returning reader has missed those of the meantime
  const loss = !sure ? "join-unsure" : presented === undefined ? undefined : "reconnected";
  return loss === undefined ? welcome : welcome + format.resync(loss, cursor);
}
