// Lists about one user, such as the topics that they follow, in a graph that is split. Each partition knows
// only its own share, so the owner of the user's partition requests the others' shares and concatenates them
// in the order of the partitions. A page continues after a name, which determines its partition, so nothing
// is kept between pages and a listing stays correct while partitions move. Each page takes one request per
// partition, and a partition that does not reply within REPLY_MS is named in the error.

import { z } from "zod";
import {
  type GraphVerb,
  parseRowsSubject,
  parseUserId,
  partitionOf,
  rowsEndpoint,
  rowsSubject,
  type UserId,
} from "../broker/contract.ts";
import {
  type BrokerClient,
  type Msg,
  replyError,
  replyOf,
  type Subscribed,
  serviceErrorOf,
} from "../broker/index.ts";
import { codeOf, messageOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { GraphError } from "./errors.ts";
import { fitPage } from "./fitting-pages.ts";
import type { GraphStore } from "./graph-store.ts";
import type { Partitions } from "./partitions.ts";
import { MAX_PAGE } from "./payloads.ts";
import type { Page } from "./store/row-store.ts";

/** An owner that has not replied within this time is named in the error. */
const REPLY_MS = 1_000;
/** The HTTP status with which an owner refuses a request that every owner would refuse. */
const BAD_REQUEST = 400;

/** Selects a page of a list. */
interface Wanted {
  readonly after?: string | undefined;
  readonly limit: number;
  /** The other user, for the topics that both follow. */
  readonly with?: string | undefined;
}

const wanted: z.ZodType<Wanted> = z.object({
  after: z.string().optional(),
  limit: z.number().int().min(1).max(MAX_PAGE),
  with: z.string().optional(),
});

/** Reads one page of a list from our own rows. */
type ReadList = (store: GraphStore, user: UserId, wanted: Wanted) => Page;

/** The lists about a user, whose rows are spread over all partitions. */
const LISTS: Readonly<Partial<Record<GraphVerb, ReadList>>> = {
  subscriptions: (store, user, { after, limit }) => store.pageSubscriptions(user, after, limit),
  mutual: (store, user, { with: other, after, limit }) =>
    store.pageMutual(user, parseUserId(other ?? ""), after, limit),
};

export interface UserListsOptions {
  readonly client: BrokerClient;
  readonly partitions: Partitions;
  readonly store: GraphStore;
  readonly log: Logger;
}

export class UserLists {
  readonly #options: UserListsOptions;
  /** Requests to other owners by result. */
  readonly counts: { answered: number; unanswered: number } = { answered: 0, unanswered: 0 };

  constructor(options: UserListsOptions) {
    this.#options = options;
  }

  /**
   * Returns a page of a list over all partitions.
   * @throws GraphError GRAPH_PARTITION_AWAY rather than return a list that lacks a share
   */
  async page(verb: GraphVerb, user: UserId, wanted: Wanted): Promise<Page> {
    const { partitions } = this.#options;
    if (partitions.of === 1) return this.#read(verb, user, wanted);
    const first = wanted.after === undefined ? 0 : partitionOf(wanted.after, partitions.of);
    const shares = await Promise.all(
      Array.from({ length: partitions.of - first }, (_, index) =>
        this.#share(first + index, verb, user, index === 0 ? wanted : { ...wanted, after: undefined }),
      ),
    );
    // a share that continues ends the page: the entries of later partitions follow the rest of that share
    const unfinished = shares.findIndex(({ next }) => next !== undefined);
    const taken = unfinished === -1 ? shares : shares.slice(0, unfinished + 1);
    const all = taken.flatMap(({ names }) => names);
    const names = all.slice(0, wanted.limit);
    const isLast = unfinished === -1 && all.length === names.length;
    return { names, next: isLast ? undefined : names.at(-1) };
  }

  /** Serves the requests of other owners for our partitions. */
  serve(): Subscribed[] {
    const { client, partitions } = this.#options;
    if (partitions.of === 1) return [];
    return partitions.owned.map((partition) =>
      client.subscribe(rowsEndpoint(partition), (message) => void this.#reply(message)),
    );
  }

  async #reply(message: Msg): Promise<void> {
    const { client } = this.#options;
    try {
      const { partition, verb, user } = parseRowsSubject(message.subject);
      const page = wanted.parse(JSON.parse(new TextDecoder().decode(message.data)));
      const share = await this.#options.store.read(() => this.#ownShare(partition, verb, user, page));
      client.respond(message, JSON.stringify(fitPage(share, client.maxPayload)));
    } catch (error) {
      const [subject, reason] = [message.subject, messageOf(error)];
      const { status } = replyError(client, replyOf(message), error, { hiddenText: reason });
      if (status !== BAD_REQUEST)
        this.#options.log.warn({ subject, reason }, "request for a share of a list failed");
    }
  }

  async #share(partition: number, verb: GraphVerb, user: UserId, wanted: Wanted): Promise<Page> {
    const { client, partitions } = this.#options;
    if (partitions.has(partition)) return this.#ownShare(partition, verb, user, wanted);
    try {
      const reply = await client.request(
        rowsSubject(partition, verb, user),
        JSON.stringify(wanted),
        REPLY_MS,
      );
      const problem = serviceErrorOf(reply);
      if (problem?.code === BAD_REQUEST) {
        this.counts.answered += 1;
        throw new GraphError("BAD_REQUEST", problem.message); // the client's mistake, not an absent owner
      }
      if (problem !== undefined) throw new Error(problem.message);
      this.counts.answered += 1;
      return reply.json<Page>();
    } catch (cause) {
      if (codeOf(cause) === "BAD_REQUEST") throw cause;
      this.counts.unanswered += 1;
      throw new GraphError(
        "GRAPH_PARTITION_AWAY",
        `partition ${partition} of ${partitions.of} did not reply (${messageOf(cause)}): ` +
          `is its \`encke graph serve --partitions ${partition}/${partitions.of}\` running?`,
        { cause },
      );
    }
  }

  /**
   * Returns the entries of a list that belong to one of our partitions. Our rows hold the entries of all that
   * we own.
   */
  #ownShare(partition: number, verb: GraphVerb, user: UserId, wanted: Wanted): Page {
    const names: string[] = [];
    let after = wanted.after;
    do {
      const page = this.#read(verb, user, { ...wanted, after });
      for (const name of page.names) {
        if (partitionOf(name, this.#options.partitions.of) !== partition) continue;
        if (names.length === wanted.limit) return { names, next: names.at(-1) };
        names.push(name);
      }
      after = page.next;
    } while (after !== undefined);
    return { names, next: undefined };
  }

  #read(verb: GraphVerb, user: UserId, wanted: Wanted): Page {
    const read = LISTS[verb];
    if (read === undefined) throw new GraphError("BAD_REQUEST", `${verb} is not a list about a user`);
    return read(this.#options.store, user, wanted);
  }
}
