// Opens a stream, in the same way for every format: checks the limits, begins the stream's seam, and returns
// a response that stays open. The pool holds the response at once. Its head is sent only when events can
// reach the stream, so a client that publishes after it has seen the head receives its own event.

import type { Context } from "hono";
import { parseCursor, type UserId } from "../../broker/contract.ts";
import { EdgeError } from "../errors.ts";
import type { Fanout } from "../fanout/fanout.ts";
import type { StreamFormat } from "../formats/format.ts";
import type { EdgeServices } from "../services.ts";
import { presentedCursor } from "./presented-cursor.ts";

export interface StreamRequest {
  readonly users: readonly UserId[];
  readonly format: StreamFormat;
  readonly expiresAtMs: number | undefined;
  readonly tickMs?: number | undefined;
  /** Whether a reader who presents a cursor receives what it missed. */
  readonly resumes: boolean;
}

/** @throws EdgeError if a limit is reached */
export async function openStream(
  c: Context,
  services: EdgeServices,
  request: StreamRequest,
): Promise<Response> {
  const { users, format, resumes } = request;
  const presented = resumes ? presentedCursor(c) : undefined;
  const readable =
    presented?.cursor !== undefined && parseCursor(presented.cursor) ? presented.cursor : undefined;
  const headers = {
    "Content-Type": format.contentType,
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    Vary: "Accept, Authorization, Cookie, Origin",
  };
  if (format.refusesInWords) {
    const goodbye = (reason: string, retryMs: number): string => format.goodbye(reason, retryMs, readable);
    c.set("askedStream", { headers, goodbye });
  }
  services.admission.check(users);
  if (c.req.raw.method === "HEAD") return c.body(null, 200, headers);
  const retryMs = services.slowReaders.retryMs(users);
  const cork = services.seams.begin({ users, format, retryMs, presented }, () =>
    joinCounted(services, users),
  );
  try {
    return await services.hold(c, { ...request, opening: "", cursor: readable ?? "", cork }, headers);
  } catch (error) {
    services.fanout.leave(users);
    throw error;
  }
}

function joinCounted(
  { fanout, admission }: EdgeServices,
  users: readonly UserId[],
): ReturnType<Fanout["join"]> {
  try {
    return fanout.join(users);
  } catch (error) {
    if (error instanceof EdgeError && error.code === "EDGE_FULL") admission.noteFull();
    throw error;
  }
}
