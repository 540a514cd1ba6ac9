// Opening a stream, the same for every format: is there room, make its users reachable, then answer with a response
// that stays open. The head is written only when events can really arrive, so who sees it and then publishes is sure
// to receive.

import type { Context } from "hono";
import { START_CURSOR, type UserId } from "../../broker/contract.ts";
import { EdgeError } from "../errors.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { EdgeServices } from "../services.ts";
import { type PresentedCursor, presentedCursor } from "./presented-cursor.ts";

/** Where a reader comes back to after its connection broke: spread over two seconds. */
const RETRY_MS = { min: 1_000, spread: 2_000 };

export interface StreamRequest {
  readonly users: readonly UserId[];
  readonly format: StreamFormat;
  readonly expiresAtMs: number | undefined;
  readonly tickMs?: number | undefined;
}

/** @throws EdgeError where there is no room */
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
  /** Where the stream begins. */
  readonly cursor: string;
}

/** The welcome leaves a reader who comes back where it was: only the resync after it moves it past what it missed. */
function openingOf({ users, format }: StreamRequest, { presented, sure, cursor }: Beginning): string {
  const retryMs = RETRY_MS.min + Math.floor(Math.random() * RETRY_MS.spread);
  const before = presented === undefined ? cursor : (presented.cursor ?? START_CURSOR);
  const welcome = format.welcome({ users, retryMs, cursor: before });
  // a reader who comes back missed what was sent meanwhile: nothing is stored yet
  const loss = !sure ? "join-unsure" : presented === undefined ? undefined : "reconnected";
  return loss === undefined ? welcome : welcome + format.resync(loss, cursor);
}
