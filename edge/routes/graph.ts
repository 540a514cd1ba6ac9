// The live page's access to the graph. GET /graph/:user returns whom a user follows and who follows the user;
// POST /events/:topic publishes and returns how many readers received the event. Readers with a token may
// query and publish only for their own user.

import type { Context, Hono } from "hono";
import { checkPayload, isUserId, MAX_PAYLOAD_BYTES, parseTopic, parseUserId } from "../../broker/contract.ts";
import { quote } from "../../lib/errors.ts";
import { authorize } from "../auth.ts";
import { EdgeError } from "../errors.ts";
import { route } from "../http/route.ts";
import type { EdgeServices } from "../services.ts";
import { messageIdOf } from "./idempotency-key.ts";
import { queryOf } from "./query.ts";

const MAX_NEIGHBOURS = 500;
const DEFAULT_NEIGHBOURS = 60;

export function addGraphRoutes(app: Hono, services: EdgeServices): void {
  const { auth, graph } = services;
  route(app, "/graph/:user", {
    async GET(c) {
      const reader = await auth.reader(c);
      const user = parseUserId(c.req.param("user") ?? "");
      authorize(reader, [user]);
      c.header("Cache-Control", "no-store");
      return c.json(await graph.neighbours(user, limitOf(queryOf(c, "limit"))));
    },
  });
  if (!services.publish) return;
  route(app, "/events/:topic", {
    async POST(c) {
      const reader = await auth.reader(c);
      const topic = parseTopic(c.req.param("topic") ?? "");
      if (reader.user !== undefined && (!isUserId(topic) || topic !== reader.user)) {
        throw new EdgeError(
          "NOT_YOURS",
          `you are ${reader.user}: publish on your own topic, /events/${reader.user}`,
        );
      }
      const messageId = await messageIdOf(c, topic);
      return c.json(await graph.publish(topic, await readPayload(c), messageId));
    },
  });
}

/**
 * Reads the body up to the maximum size of an event.
 * @throws BrokerError PAYLOAD_TOO_LARGE; EdgeError BODY_INCOMPLETE if the client stopped sending
 */
async function readPayload(c: Context): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = c.req.raw.body?.getReader();
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      length += part.value.length;
      parts.push(part.value);
      if (length > MAX_PAYLOAD_BYTES) break; // one byte over the maximum is enough to refuse the body
    }
    await reader?.cancel();
  } catch (cause) {
    throw new EdgeError("BODY_INCOMPLETE", `the body ended after ${length} bytes: send all of it`, { cause });
  }
  const payload = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    payload.set(part, at);
    at += part.length;
  }
  return checkPayload(payload);
}

function limitOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_NEIGHBOURS;
  const limit = /^\d{1,6}$/.test(given) ? Number(given) : 0;
  if (limit >= 1 && limit <= MAX_NEIGHBOURS) return limit;
  throw new EdgeError("BAD_QUERY", `limit=${quote(given)}: expected a number from 1 to ${MAX_NEIGHBOURS}`);
}
