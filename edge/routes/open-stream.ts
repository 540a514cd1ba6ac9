// Opening a stream, the same for every format: is there room, make its users reachable, then answer with a response
// that stays open. The head is written only when events can really arrive, so who sees it and then publishes is sure
// to receive.

import type { Context } from "hono";
import type { UserId } from "../../broker/contract.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { EdgeServices } from "../services.ts";
import { presentedCursor } from "./presented-cursor.ts";

/** Where a reader comes back to after its connection broke: spread over two seconds. */
const RETRY_MS = { least: 1_000, spread: 2_000 };

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
  const headers = {
    "Content-Type": format.contentType,
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    Vary: "Accept, Authorization, Cookie, Origin",
  };
  if (c.req.raw.method === "HEAD") return c.body(null, 200, headers);
  services.admission.check(users);
  const sure = await services.fanout.join(users);
  try {
    const retryMs = RETRY_MS.least + Math.floor(Math.random() * RETRY_MS.spread);
    // a reader who comes back missed what was sent meanwhile: nothing is stored yet
    const loss = !sure ? "join-unsure" : presentedCursor(c) === undefined ? undefined : "reconnected";
    const welcome = format.welcome({ users, retryMs, cursor: services.fanout.cursor });
    const opening = welcome + (loss === undefined ? "" : format.resync(loss));
    return services.hold(c, { ...request, opening }, headers);
  } catch (error) {
    services.fanout.leave(users);
    throw error;
  }
}
