// A client of the graph service over NATS: reads lists and the audit page by page, and applies any number of
// changes. Used by commands. Holds one page, or at most REQUESTS_AT_ONCE requests of IDS_PER_REQUEST ids.

import {
  countFitting,
  type GraphVerb,
  graphSubject,
  partitionSubject,
  type Topic,
  type UserId,
} from "../broker/contract.ts";
import { type BrokerClient, textOf } from "../broker/index.ts";

/** The maximum number of ids in one request. Fewer fit if the server's max_payload is small. */
const IDS_PER_REQUEST = 1_000;
/** The maximum size of a request, and of a reply that names all its ids, without these ids. */
const HEAD_BYTES = 2_048;
/** The quotation marks and the comma around an id in JSON. */
const AROUND_BYTES = 3;
/** The number of requests under way at the same time. The graph writes them to disk together. */
const REQUESTS_AT_ONCE = 16;

/** The names of lists, which are also the keys of the lists in replies. */
export type ListVerb = GraphVerb & ("subscribers" | "muted" | "blocked" | "subscriptions" | "mutual");
export type ChangeVerb = GraphVerb & ("subscribe" | "unsubscribe" | "block" | "unblock" | "mute" | "unmute");

export interface ListQuery {
  readonly verb: ListVerb;
  readonly name: Topic;
  /** Additional keys of the request. */
  readonly also?: object;
}

export interface AuditPage {
  readonly changes: readonly {
    readonly sequence: number;
    readonly time: string;
    readonly kind: string;
    readonly subscriber: string;
    readonly topic?: string;
  }[];
  /** The oldest change that is kept. */
  readonly oldest: number;
}

export interface ChangeTally {
  changed: number;
  unchanged: number;
  /** The pairs `subscriber topic` that were refused because the topic blocks the subscriber. */
  readonly refused: string[];
}

/** Yields the pages of a list in order. @throws CommandError REPLIED_ERROR, BrokerError */
export async function* listPages(
  client: BrokerClient,
  { verb, name, also }: ListQuery,
  timeoutMs: number,
): AsyncGenerator<readonly string[]> {
  let after: string | undefined;
  do {
    const query = JSON.stringify({ ...also, after });
    const reply = textOf(await client.request(graphSubject(verb, name), query, timeoutMs));
    const page = JSON.parse(reply) as Partial<Record<ListVerb, string[]>> & { next?: string };
    yield page[verb] ?? [];
    after = page.next;
  } while (after !== undefined);
}

/**
 * Yields the pages of the audit of a topic or a partition, after change number `after`.
 * @throws as `listPages`
 */
export async function* auditPages(
  client: BrokerClient,
  of: { readonly topic: Topic } | { readonly partition: number },
  after: number,
  timeoutMs: number,
): AsyncGenerator<AuditPage> {
  const subject = "topic" in of ? graphSubject("audit", of.topic) : partitionSubject(of.partition, "audit");
  for (let next: number | undefined = after; next !== undefined; ) {
    const reply = textOf(await client.request(subject, JSON.stringify({ after: next }), timeoutMs));
    const page = JSON.parse(reply) as AuditPage & { readonly next?: number };
    yield page;
    next = page.next;
  }
}

/**
 * Applies one kind of change to all pairs, several requests at a time. All counted changes are on disk.
 * @param onSent is called with the number of requests sent and their total
 * @throws as `listPages`, when some changes may have been made
 */
export async function applyChanges(
  client: BrokerClient,
  verb: ChangeVerb,
  changes: ReadonlyMap<Topic, readonly UserId[]>,
  { timeoutMs, onSent }: { readonly timeoutMs: number; readonly onSent: (sent: number, of: number) => void },
): Promise<ChangeTally> {
  const requests = requestsFor(changes, client.maxPayload);
  const tally: ChangeTally = { changed: 0, unchanged: 0, refused: [] };
  let sent = 0;
  const worker = async (): Promise<void> => {
    for (let next = requests[sent]; next !== undefined; next = requests[sent]) {
      sent += 1;
      const payload = JSON.stringify({ subscribers: next.subscribers });
      const reply = JSON.parse(
        textOf(await client.request(graphSubject(verb, next.topic), payload, timeoutMs)),
      ) as { changed: number; unchanged: number; blocked?: string[] };
      tally.changed += reply.changed;
      tally.unchanged += reply.unchanged;
      for (const subscriber of reply.blocked ?? []) tally.refused.push(`${subscriber} ${next.topic}`);
      onSent(sent, requests.length);
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
  return tally;
}

function requestsFor(
  changes: ReadonlyMap<Topic, readonly UserId[]>,
  maxPayload: number,
): { readonly topic: Topic; readonly subscribers: readonly UserId[] }[] {
  const limit = { bytes: maxPayload - HEAD_BYTES, items: IDS_PER_REQUEST };
  const requests = [];
  for (const [topic, subscribers] of changes) {
    for (let from = 0; from < subscribers.length; ) {
      const to = from + countFitting(subscribers, (id) => id.length + AROUND_BYTES, limit, from);
      requests.push({ topic, subscribers: subscribers.slice(from, to) });
      from = to;
    }
  }
  return requests;
}
