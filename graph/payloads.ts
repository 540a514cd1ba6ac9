// The payloads of the graph's endpoints: the schemas of each request and reply, and the description that
// `nats micro info` prints. Requests are checked against these schemas; tests verify that replies match them.

import { z } from "zod";
import type { GraphVerb, PartitionVerb } from "../broker/contract.ts";

/** The maximum number of ids in one reply. Fewer fit if the server's max_payload is small. */
export const MAX_PAGE = 10_000;
/** The maximum number of changes in one reply, at most some 450 bytes each. */
const MAX_AUDIT_PAGE = 1_000;

const pageFields = {
  after: z.string().optional(),
  limit: z.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
};

export interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

export const page: z.ZodType<Page> = z.object(pageFields);
export const mutualPage: z.ZodType<Page & { readonly with: string }> = z.object({
  ...pageFields,
  with: z.string(),
});
export const auditPage: z.ZodType<{ readonly after: number; readonly limit: number }> = z.object({
  after: z.number().int().min(0).default(0),
  limit: z.number().int().min(1).max(MAX_AUDIT_PAGE).default(MAX_AUDIT_PAGE),
});
export const backup: z.ZodType<{ readonly folder: string }> = z.object({ folder: z.string().min(1) });
export const subscribers: z.ZodType<string[]> = z.union([
  z.object({ subscribers: z.array(z.string()) }).transform((given) => given.subscribers),
  z.array(z.string()),
]);

const names = z.array(z.string());
const next = z.string().optional();
const count = z.number().int().min(0);
const change = z.strictObject({
  sequence: count,
  time: z.iso.datetime(),
  kind: z.string(),
  subscriber: z.string(),
  topic: z.string().optional(),
});
const changed = z.strictObject({ topic: z.string(), changed: count, unchanged: count });
const changes = { changes: z.array(change), oldest: count, next: count.optional() };

const listOf = (key: string): z.ZodType => z.strictObject({ topic: z.string(), [key]: names, next });

/** The documentation of an endpoint, for people and programs. */
export interface Documented {
  readonly description: string;
  /** Absent if the payload is ignored. */
  readonly request?: z.ZodType;
  readonly response: z.ZodType;
}

export const ENDPOINTS: Readonly<Record<GraphVerb, Documented>> = {
  subscribers: {
    description: "Lists the users who follow a topic, in pages",
    request: page,
    response: listOf("subscribers"),
  },
  muted: {
    description: "Lists the users who follow a topic and have muted it, in pages",
    request: page,
    response: listOf("muted"),
  },
  blocked: {
    description: "Lists the users who cannot follow a topic, in pages",
    request: page,
    response: listOf("blocked"),
  },
  subscriptions: {
    description: "Lists the topics that a user follows, in pages",
    request: page,
    response: z.strictObject({ user: z.string(), subscriptions: names, next }),
  },
  mutual: {
    description: "Lists the topics that two users follow, in pages",
    request: mutualPage,
    response: z.strictObject({ user: z.string(), with: z.string(), mutual: names, next }),
  },
  online: {
    description:
      "Lists those of the users whom a user follows who have an open stream, in pages; unknown counts the edges that do not announce their users",
    request: page,
    response: z.strictObject({ user: z.string(), online: names, unknown: count, next }),
  },
  count: {
    description: "Counts the users who follow a topic",
    response: z.strictObject({ topic: z.string(), count }),
  },
  subscribe: {
    description:
      "Makes users follow a topic, and replies once that is on disk; takes one user id as plain text, too",
    request: subscribers,
    response: changed.extend({ blocked: names.optional() }),
  },
  unsubscribe: {
    description:
      "Makes users no longer follow a topic, and replies once that is on disk; takes one user id as plain text, too",
    request: subscribers,
    response: changed,
  },
  block: {
    description:
      "Makes users no longer follow a topic and prevents them from following it, and replies once that is on disk; takes one user id as plain text, too",
    request: subscribers,
    response: changed,
  },
  unblock: {
    description:
      "Lets users follow a topic again, and replies once that is on disk; takes one user id as plain text, too",
    request: subscribers,
    response: changed,
  },
  mute: {
    description:
      "Stops sending a topic's events to users who follow it, and replies once that is on disk; takes one user id as plain text, too",
    request: subscribers,
    response: changed,
  },
  unmute: {
    description:
      "Sends a topic's events to users who follow it again, and replies once that is on disk; takes one user id as plain text, too",
    request: subscribers,
    response: changed,
  },
  audit: {
    description: "Lists the changes of a topic's followers, oldest first, in pages",
    request: auditPage,
    response: z.strictObject({ topic: z.string(), ...changes }),
  },
};

export const PARTITION_ENDPOINTS: Readonly<Record<PartitionVerb, Documented>> = {
  audit: {
    description: "Lists the changes of all topics of a partition, oldest first, in pages",
    request: auditPage,
    response: z.strictObject(changes),
  },
  backup: {
    description: "Writes a backup into a folder on the service's machine, and replies once it is on disk",
    request: backup,
    response: z.strictObject({
      file: z.string(),
      bytes: count,
      sha256: z.string(),
      sequence: count,
      follows: count,
    }),
  },
};
