// GET /stream: a user's events, as server-sent events or NDJSON, depending on what the reader accepts.

import type { Hono } from "hono";
import { parseUserId, type UserId } from "../../broker/contract.ts";
import { prefers } from "../accept.ts";
import { authorize, type Principal } from "../auth.ts";
import { EdgeError } from "../errors.ts";
import { ndjson } from "../formats/ndjson.ts";
import { sse } from "../formats/sse.ts";
import { route } from "../http/route.ts";
import type { EdgeServices } from "../services.ts";
import { openStream } from "./open-stream.ts";
import { queryOf } from "./query.ts";

export function addStreamRoute(app: Hono, services: EdgeServices): void {
  route(app, "/stream", {
    async GET(c) {
      const reader = await services.auth.reader(c);
      const users = [userOf(reader, queryOf(c, "user"))];
      authorize(reader, users);
      const format = prefers(c.req.header("Accept"), "text/event-stream", "application/x-ndjson")
        ? sse
        : ndjson;
      return openStream(c, services, { users, format, expiresAtMs: reader.expiresAtMs, resumes: true });
    },
  });
}

function userOf(reader: Principal, asked: string | undefined): UserId {
  if (asked !== undefined) return parseUserId(asked);
  if (reader.user !== undefined) return reader.user;
  throw new EdgeError("BAD_QUERY", "no user was given: add ?user=ID, or send a token");
}
