// GET /test/:id: the article's stream, as plain text with numbered messages. Commas separate several ids, and
// ?tick=10 adds the article's chunk every ten seconds.

import type { Hono } from "hono";
import { parseUserId, type UserId } from "../../broker/contract.ts";
import { quote } from "../../lib/errors.ts";
import { authorize } from "../auth.ts";
import { EdgeError } from "../errors.ts";
import { text } from "../formats/text.ts";
import { route } from "../http/route.ts";
import type { EdgeServices } from "../services.ts";
import { openStream } from "./open-stream.ts";
import { queryOf } from "./query.ts";

const MAX_USERS = 16;
const MAX_TICK_S = 3_600;

export function addTestRoute(app: Hono, services: EdgeServices): void {
  route(app, "/test/:id", {
    async GET(c) {
      const reader = await services.auth.reader(c);
      const users = usersOf(c.req.param("id") ?? "");
      authorize(reader, users);
      const tickMs = tickOf(queryOf(c, "tick"));
      const { expiresAtMs } = reader;
      return openStream(c, services, { users, format: text, expiresAtMs, tickMs, resumes: false });
    },
  });
}

function usersOf(ids: string): readonly UserId[] {
  const users = new Set(ids.split(",").map(parseUserId));
  if (users.size <= MAX_USERS) return [...users];
  throw new EdgeError(
    "BAD_QUERY",
    `${users.size} ids on one stream, at most ${MAX_USERS} are allowed: open several streams`,
  );
}

function tickOf(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  const value = /^\d{1,4}$/.test(seconds) ? Number(seconds) : 0;
  if (value >= 1 && value <= MAX_TICK_S) return value * 1000;
  throw new EdgeError("BAD_QUERY", `tick=${quote(seconds)}: expected seconds from 1 to ${MAX_TICK_S}`);
}
