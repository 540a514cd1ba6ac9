// The graph over NATS, as a micro service (`nats micro ls` shows it). The name stands in the subject, lists of
// changes in the payload, many at once:
//
//   graph.subscribers.<topic>     {"after","limit"}?  → {"topic","subscribers":[…],"next"?}
//   graph.subscriptions.<user>    {"after","limit"}?  → {"user","subscriptions":[…],"next"?}
//   graph.count.<topic>           –                   → {"topic","count"}
//   graph.subscribe.<topic>       ids                 → {"topic","changed","unchanged"}, once it is on disk
//   graph.unsubscribe.<topic>     ids                 → likewise
//   graph.online.<user>           {"after","limit"}?  → {"user","online":[…],"unknown","next"?}: whom they follow, and is here
//
// ids: {"subscribers":["7","9"]}, or ["7","9"], or one id as plain text.

import { z } from "zod";
import {
  BrokerError,
  GRAPH_VERBS,
  type GraphVerb,
  graphEndpoint,
  nameOfGraph,
  parseUserId,
  type Topic,
} from "../broker/contract.ts";
import { type BrokerClient, errorHeaders, type Msg, type Service } from "../broker/index.ts";
import { quote } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { OnlineTable } from "./edges/online.ts";
import type { Roster } from "./edges/roster.ts";
import { GraphError, type GraphErrorCode } from "./errors.ts";
import type { Partitions } from "./partitions.ts";
import type { GraphStore } from "./store/store.ts";
import type { UserLists } from "./user-lists.ts";

export const SERVICE_NAME = "encke-graph";

/** Ids in one answer: at most 64 characters each, they stay under the server's 1 MB. */
export const MAX_PAGE = 10_000;

const page = z.object({
  after: z.string().optional(),
  limit: z.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
});
const ids = z.union([
  z.object({ subscribers: z.array(z.string()) }).transform((given) => given.subscribers),
  z.array(z.string()),
]);

/** What passes by itself, or when somebody starts what is missing. */
const UNAVAILABLE: ReadonlySet<GraphErrorCode> = new Set(["GRAPH_OVERLOADED", "GRAPH_PARTITION_AWAY"]);

type Answer = object | Promise<object>;
type Handler = (graph: Graph, name: Topic, payload: string) => Answer;

/** What the endpoints look into. */
export interface Graph {
  readonly store: GraphStore;
  readonly roster: Roster;
  readonly online: OnlineTable;
  readonly partitions: Partitions;
  readonly lists: UserLists;
}

const HANDLERS: Readonly<Record<GraphVerb, Handler>> = {
  subscribers({ store }, topic, payload) {
    const { after, limit } = parse(page, payload || "{}");
    const { names, next } = store.pageFollowers(topic, after, limit);
    return { topic, subscribers: names, ...(next === undefined ? {} : { next }) };
  },
  async subscriptions({ lists }, name, payload) {
    const user = parseUserId(name);
    const { names, next } = await lists.page("subscriptions", user, parse(page, payload || "{}"));
    return { user, subscriptions: names, ...(next === undefined ? {} : { next }) };
  },
  count: ({ store }, topic) => ({ topic, count: store.countFollowers(topic) }),
  subscribe: ({ store }, topic, payload) => change(store, "subscribe", topic, payload),
  unsubscribe: ({ store }, topic, payload) => change(store, "unsubscribe", topic, payload),
  async online({ lists, roster, online }, name, payload) {
    const user = parseUserId(name);
    const { names, next } = await lists.page("subscriptions", user, parse(page, payload || "{}"));
    // edges in `subject` mode do not say who is on them: so many may know of more
    const unknown = roster.survey().subject.length;
    const here = names.filter((followed) => online.firstOf(followed) !== -1);
    return { user, online: here, unknown, ...(next === undefined ? {} : { next }) };
  },
};

/** Serves the endpoints until the service is stopped. */
export async function serveEndpoints(client: BrokerClient, graph: Graph, log: Logger): Promise<Service> {
  const service = await client.addService({
    name: SERVICE_NAME,
    version: "1.0.0",
    description: "The friend graph: who follows whom, and fan-out of events",
    metadata: { partitions: String(graph.partitions) },
  });
  for (const partition of graph.partitions.subjects) {
    for (const verb of GRAPH_VERBS) {
      service.addEndpoint(partition === undefined ? verb : `${verb}-${partition}`, {
        subject: graphEndpoint(verb, partition),
        handler: (error, message) => {
          if (error !== null) return log.error({ verb, reason: error.message }, "endpoint refused");
          void answer(message, verb, graph, log);
        },
      });
    }
  }
  return service;
}

async function answer(message: Msg, verb: GraphVerb, graph: Graph, log: Logger): Promise<void> {
  try {
    const name = nameOfGraph(verb, message.subject, graph.partitions.of);
    const result = await HANDLERS[verb](graph, name, new TextDecoder().decode(message.data).trim());
    message.respond(JSON.stringify(result));
  } catch (error) {
    const { code, text } = describe(error);
    if (code === 500) log.error({ verb, err: error }, "request failed");
    message.respond("", { headers: errorHeaders(code, text) });
  }
}

async function change(
  store: GraphStore,
  kind: "subscribe" | "unsubscribe",
  topic: Topic,
  payload: string,
): Promise<object> {
  const subscribers = (/^[[{]/.test(payload) ? parse(ids, payload) : [payload]).map(parseUserId);
  const results = await store.apply(subscribers.map((subscriber) => ({ kind, subscriber, topic })));
  const changed = results.filter(Boolean).length;
  return { topic, changed, unchanged: results.length - changed };
}

function parse<T>(schema: z.ZodType<T>, payload: string): T {
  let given: unknown;
  try {
    given = JSON.parse(payload);
  } catch (cause) {
    throw new GraphError(
      "BAD_REQUEST",
      `${quote(payload)} is not JSON: see docs/protocol.md for what this endpoint takes`,
      { cause },
    );
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new GraphError(
    "BAD_REQUEST",
    `${quote(payload)}: ${issue?.path.join(".") || "payload"}: ${issue?.message}; see docs/protocol.md`,
  );
}

/** What a caller is told; inside matters stay in the log. */
function describe(error: unknown): { code: number; text: string } {
  if (error instanceof BrokerError || (error instanceof GraphError && error.code === "BAD_REQUEST")) {
    return { code: 400, text: error.message };
  }
  if (error instanceof GraphError && UNAVAILABLE.has(error.code)) return { code: 503, text: error.message };
  return { code: 500, text: "the graph could not answer: see its log" };
}
