// The graph's NATS micro service (listed by `nats micro ls`). The subject ends with the name of a topic or a
// user; the payload carries a page, or a list of subscribers so that one request can make many changes:
//
//   graph.subscribers.<topic>     page  → {"topic","subscribers":[…],"next"?}
//   graph.muted.<topic>           page  → {"topic","muted":[…],"next"?}: followers who receive no events
//   graph.blocked.<topic>         page  → {"topic","blocked":[…],"next"?}: users who cannot follow it
//   graph.subscriptions.<user>    page  → {"user","subscriptions":[…],"next"?}
//   graph.mutual.<user>           {"with":"9"} and page → {"user","with","mutual":[…],"next"?}: common topics
//   graph.count.<topic>           –     → {"topic","count"}
//   graph.subscribe.<topic>       ids   → {"topic","changed","unchanged","blocked"?:[…]}, once it is on disk
//   graph.unsubscribe.<topic>     ids   → {"topic","changed","unchanged"}, once it is on disk; also for
//   graph.block.<topic>, graph.unblock.<topic>, graph.mute.<topic>, graph.unmute.<topic>
//   graph.online.<user>           page  → {"user","online":[…],"unknown","next"?}: followed and connected
//   graph.audit.<topic>           {"after","limit"}? → {"topic","changes":[…],"oldest","next"?}: in order
//   part.<p>.audit                {"after","limit"}? → {"changes":[…],"oldest","next"?}: of all topics
//   part.<p>.backup               {"folder"} → {"file","bytes","sha256","sequence","follows"}, once on disk
//
// page: {"after","limit"}, or nothing. ids: {"subscribers":["7","9"]}, or ["7","9"], or one id as plain text.

import { z } from "zod";
import {
  GRAPH_VERBS,
  type GraphVerb,
  graphEndpoint,
  nameOfGraph,
  PARTITION_VERBS,
  type PartitionVerb,
  parseUserId,
  partitionSubject,
  type Topic,
} from "../broker/contract.ts";
import type { BrokerClient, Endpoint, Msg, Served } from "../broker/index.ts";
import { quote } from "../lib/errors.ts";
import { GraphError } from "./errors.ts";
import { checkChanges, countFittingJson, fitPage } from "./fitting-pages.ts";
import type { GraphStore } from "./graph-store.ts";
import type { Partitions } from "./partitions.ts";
import {
  auditPage,
  backup,
  type Documented,
  ENDPOINTS,
  mutualPage,
  PARTITION_ENDPOINTS,
  page,
  subscribers,
} from "./payloads.ts";
import type { EdgeRegistry } from "./presence/edge-registry.ts";
import type { OnlineTable } from "./presence/online-table.ts";
import type { ChangeKind } from "./store/changes.ts";
import type { Page } from "./store/row-store.ts";
import type { UserLists } from "./user-lists.ts";

export const SERVICE_NAME = "encke-graph";

type Answer = object | Promise<object>;
type Handler = (graph: Graph, name: Topic, payload: string) => Answer;

/** What the endpoints read and change. */
export interface Graph {
  readonly client: BrokerClient;
  readonly store: GraphStore;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  readonly partitions: Partitions;
  readonly lists: UserLists;
}

const HANDLERS: Readonly<Record<GraphVerb, Handler>> = {
  subscribers: (graph, topic, payload) =>
    listed(graph, { topic }, "subscribers", payload, ({ after, limit }) =>
      graph.store.pageFollowers(topic, after, limit),
    ),
  muted: (graph, topic, payload) =>
    listed(graph, { topic }, "muted", payload, ({ after, limit }) =>
      graph.store.pageMuted(topic, after, limit),
    ),
  blocked: (graph, topic, payload) =>
    listed(graph, { topic }, "blocked", payload, ({ after, limit }) =>
      graph.store.pageBlocked(topic, after, limit),
    ),
  subscriptions(graph, name, payload) {
    const user = parseUserId(name);
    return listed(graph, { user }, "subscriptions", payload, (wanted) =>
      graph.lists.page("subscriptions", user, wanted),
    );
  },
  mutual(graph, name, payload) {
    const user = parseUserId(name);
    const other = parseUserId(parse(mutualPage, payload).with);
    return listed(graph, { user, with: other }, "mutual", payload, (wanted) =>
      graph.lists.page("mutual", user, { ...wanted, with: other }),
    );
  },
  count: ({ store }, topic) => ({ topic, count: store.countFollowers(topic) }),
  subscribe: changing("subscribe"),
  unsubscribe: changing("unsubscribe"),
  block: changing("block"),
  unblock: changing("unblock"),
  mute: changing("mute"),
  unmute: changing("unmute"),
  audit: async (graph, topic, payload) => ({ topic, ...(await audited(graph, topic, payload)) }),
  async online({ client, lists, registry, online }, name, payload) {
    const user = parseUserId(name);
    const all = await lists.page("subscriptions", user, parse(page, payload || "{}"));
    const { names, next } = fitPage(all, client.maxPayload);
    // edges in `subject` mode do not announce their users, so more users may be online at this many edges
    const unknown = registry.survey().subject.length;
    const here = names.filter((followed) => online.firstOf(followed) !== -1);
    return { user, online: here, unknown, ...(next === undefined ? {} : { next }) };
  },
};

/** Handlers of requests about a whole partition. */
const PARTITION_HANDLERS: Readonly<
  Record<PartitionVerb, (graph: Graph, payload: string) => Promise<object>>
> = {
  audit: (graph, payload) => audited(graph, undefined, payload),
  backup: ({ store }, payload) => store.backup(parse(backup, payload).folder),
};

/** Serves the endpoints until the returned service is stopped. */
export function serveEndpoints(graph: Graph): Served {
  const { subjects, owned, of } = graph.partitions;
  const endpoints = [
    ...GRAPH_VERBS.flatMap((verb) => {
      const about = describe(ENDPOINTS[verb]);
      return subjects.map((partition) => ({
        ...about,
        name: partition === undefined ? verb : `${verb}-${partition}`,
        subject: graphEndpoint(verb, partition),
        handle: handling(graph, ({ subject }, payload) =>
          HANDLERS[verb](graph, nameOfGraph(verb, subject, of), payload),
        ),
      }));
    }),
    ...PARTITION_VERBS.flatMap((verb) => {
      const about = describe(PARTITION_ENDPOINTS[verb]);
      return owned.map((partition) => ({
        ...about,
        name: `part-${verb}-${partition}`,
        subject: partitionSubject(partition, verb),
        handle: handling(graph, (_, payload) => PARTITION_HANDLERS[verb](graph, payload)),
      }));
    }),
  ];
  const about = {
    name: SERVICE_NAME,
    description: "The graph of who follows whom: lists, changes, and the fan-out of events",
    metadata: { partitions: String(graph.partitions) },
  };
  return graph.client.addService(about, endpoints);
}

function describe({
  description,
  request,
  response,
}: Documented): Omit<Endpoint, "name" | "subject" | "handle"> {
  return {
    description,
    ...(request && { requestSchema: z.toJSONSchema(request, { io: "input" }) }),
    responseSchema: z.toJSONSchema(response),
  };
}

/**
 * Returns a handler that passes a request's payload to `handle` as text, keeps the store open meanwhile, and
 * replies with the result as JSON.
 */
function handling(graph: Graph, handle: (message: Msg, payload: string) => Answer): Endpoint["handle"] {
  return async (message) => {
    const payload = new TextDecoder().decode(message.data).trim();
    return JSON.stringify(await graph.store.read(() => handle(message, payload)));
  };
}

async function listed(
  { client }: Graph,
  head: object,
  key: string,
  payload: string,
  read: (wanted: z.infer<typeof page>) => Page | Promise<Page>,
): Promise<object> {
  const { names, next } = fitPage(await read(parse(page, payload || "{}")), client.maxPayload);
  return { ...head, [key]: names, ...(next === undefined ? {} : { next }) };
}

function changing(kind: ChangeKind): Handler {
  return async ({ client, store }, topic, payload) => {
    checkChanges(topic, payload, client.maxPayload);
    const users = (/^[[{]/.test(payload) ? parse(subscribers, payload) : [payload]).map(parseUserId);
    const outcomes = await store.apply(users.map((subscriber) => ({ kind, subscriber, topic })));
    const blocked = users.filter((_, index) => outcomes[index] === "blocked");
    const changed = outcomes.filter((outcome) => outcome === "changed").length;
    const unchanged = outcomes.length - changed - blocked.length;
    return { topic, changed, unchanged, ...(blocked.length === 0 ? {} : { blocked }) };
  };
}

async function audited({ client, store }: Graph, topic: Topic | undefined, payload: string): Promise<object> {
  const { after, limit } = parse(auditPage, payload || "{}");
  const { entries, next: nextOfPage, oldest } = await store.pageAudit(topic, after, limit);
  const all = entries.map((entry) => ({
    sequence: entry.sequence,
    time: new Date(entry.timeMs).toISOString(),
    kind: entry.kind,
    subscriber: store.nameOf(entry.user),
    ...(topic === undefined ? { topic: store.nameOf(entry.topic) } : {}),
  }));
  const changes = all.slice(0, countFittingJson(all, client.maxPayload));
  const next = changes.length === all.length ? nextOfPage : changes.at(-1)?.sequence;
  return { changes, oldest, ...(next === undefined ? {} : { next }) };
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
