// The graph service: one process that owns one graph directory and one NATS connection. It answers questions about
// the graph, takes changes, and expands events to everyone who follows their author.

import {
  EVERY_EDGE,
  EVERY_PRESENCE,
  EVERY_USER,
  everyEvent,
  parseUserId,
  storedUserId,
  USER_PREFIX,
} from "../broker/contract.ts";
import {
  BEAT_MS,
  BrokerClient,
  EVENT_HEADER,
  EXPIRY_MS,
  encodeOrder,
  type Msg,
  type NatsConfig,
  type Owner,
  type Served,
  type Subscribed,
} from "../broker/index.ts";
import { quote } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Metrics } from "../lib/metrics.ts";
import { Throttle } from "../lib/throttle.ts";
import { proveMappings, refuseSecondOwner } from "./claim.ts";
import { SERVICE_NAME, serveEndpoints } from "./endpoints.ts";
import { Distributor } from "./fanout/distributor.ts";
import { Expander } from "./fanout/expander.ts";
import { TopicIds } from "./fanout/topic-ids.ts";
import { NARROW_WINDOW, Window } from "./fanout/window.ts";
import { GraphStore } from "./graph-store.ts";
import { registerMetrics } from "./metrics.ts";
import { Partitions } from "./partitions.ts";
import { EdgeRegistry } from "./presence/edge-registry.ts";
import { EdgeRequests } from "./presence/edge-requests.ts";
import { OnlineTable } from "./presence/online-table.ts";
import { PresenceReceiver } from "./presence/presence-receiver.ts";
import { countDeliveries } from "./presence/tally.ts";
import { UserLists } from "./user-lists.ts";

/** Followers held in memory, in MiB: the rows of 1,000,000 users with 30 friends take 100. */
export const DEFAULT_ROW_MEMORY_MB = 256;
/** After the call to announce themselves, edges get this long before events are taken. */
const ANNOUNCE_MS = 250;
/** Readers are told of losses at most this often; each telling covers all before it. */
const RESYNC_EVERY_MS = 1_000;

export interface GraphServiceOptions {
  readonly directory: string;
  /** What the rows of followers may take in memory, in MiB; DEFAULT_ROW_MEMORY_MB. */
  readonly rowMemoryMb?: number;
  readonly nats: NatsConfig;
  /** Its part of the topics; all where absent. */
  readonly partitions?: Partitions;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Ends the waiting for NATS. */
  readonly signal?: AbortSignal;
}

interface Running {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly registry: EdgeRegistry;
  readonly online: OnlineTable;
  readonly receiver: PresenceReceiver;
  readonly requests: EdgeRequests;
  readonly distributor: Distributor;
  readonly window: Window;
  readonly narrowWindow: Window;
  readonly expander: Expander;
  readonly lists: UserLists;
  /** Tells every reader that something may be missing. */
  readonly losses: Throttle<string>;
  readonly service: Served;
  readonly subscriptions: Subscribed[];
  readonly expiry: NodeJS.Timeout;
}

export class GraphService {
  readonly #options: GraphServiceOptions;
  #running: Running | undefined;

  constructor(options: GraphServiceOptions) {
    this.#options = options;
  }

  /** Follow relations in the graph. */
  get follows(): number {
    return this.#running?.store.follows ?? 0;
  }

  /** Why it does not serve at this moment; undefined when it does. */
  get notReady(): string | undefined {
    if (this.#running === undefined) return "starting";
    const { connected, unfit, refused } = this.#running.client;
    if (!connected) return "NATS is away";
    if (unfit !== undefined) return unfit;
    const [subject] = refused;
    if (subject !== undefined) return `NATS refuses ${quote(subject)} to us: allow it`;
    const { trouble } = this.#running.store;
    return trouble && `no changes are taken, the disk failed (${trouble.reason})`;
  }

  /**
   * Opens the graph, connects (waiting for NATS as long as it takes) and serves.
   * @throws GraphError for a directory that cannot be used, GRAPH_SERVED_ALREADY, GRAPH_UNMAPPED; BrokerError for refused
   *   credentials
   */
  async start(): Promise<void> {
    const { directory, nats, log, metrics, signal } = this.#options;
    const { partitions = Partitions.whole, rowMemoryMb = DEFAULT_ROW_MEMORY_MB } = this.#options;
    const store = await GraphStore.open(directory, {
      partitions,
      memoryBytes: rowMemoryMb * 1_048_576,
      onTrouble: (trouble) =>
        trouble === undefined
          ? log.warn("the disk takes writes again: changes are taken")
          : log.error({ ...trouble }, "the disk takes no writes: changes are refused"),
    });
    const { rows, full } = store.receivers;
    if (full && rowMemoryMb > 0)
      log.warn({ rows, rowMemoryMb }, "not all followers fit into memory: raise --row-memory");
    const connection = { log, wait: true, ...(signal && { signal }) };
    let client: BrokerClient | undefined;
    try {
      client = await BrokerClient.connect(nats, {
        ...connection,
        name: SERVICE_NAME,
        echo: false, // the bridge must not hear the copies that we publish
      });
      await refuseSecondOwner(client, partitions);
      await proveMappings(client, nats, connection, partitions);
      this.#running = await this.#serve(store, client, partitions);
      registerMetrics(metrics, this.#running);
    } catch (error) {
      await client?.close();
      await store.close();
      throw error;
    }
  }

  /** Expands what has arrived, writes what was taken, closes. Idempotent. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    clearInterval(running.expiry);
    for (const subscription of running.subscriptions) subscription.unsubscribe();
    await running.service.stop();
    await running.client.flush().catch(() => {}); // NATS is away: nothing more can arrive anyway
    await running.expander.settle();
    running.distributor.flush();
    running.losses.stop();
    running.requests.close();
    await running.store.close();
    await running.client.close();
  }

  async #serve(store: GraphStore, client: BrokerClient, partitions: Partitions): Promise<Running> {
    const { log } = this.#options;
    const epoch = await store.nextEpoch();
    const owner: Owner = { graph: epoch, partitions: partitions.owned, of: partitions.of };
    const online = new OnlineTable();
    const registry = new EdgeRegistry({ expiryMs: EXPIRY_MS, onGone: ({ slot }) => online.removeEdge(slot) });
    const tellLoss = (reason: string): void => {
      client.publish(EVERY_EDGE, encodeOrder({ type: "resync", reason }));
    };
    const losses = new Throttle<string>(RESYNC_EVERY_MS, tellLoss);
    const requests = new EdgeRequests(client, registry);
    const share = partitions.owned.length / partitions.of;
    const window = new Window(client, registry, requests, share);
    const narrowWindow = new Window(client, registry, requests, share, NARROW_WINDOW);
    const distributor = new Distributor({
      client,
      registry,
      online,
      nameOf: (id) => storedUserId(store.nameOf(id)),
      onLoss: (reason) => losses.call(reason),
    });
    const expander = new Expander({
      store,
      client,
      log,
      partitions: partitions.of,
      ids: new TopicIds(partitions, epoch),
      distributor,
      window,
      narrowWindow,
      count: (event, edges) => countDeliveries(requests, edges, event),
      onLoss: (reason) => losses.call(reason),
    });
    const subscriptions: Subscribed[] = [];
    let isBridged: Promise<void> | undefined;
    let hasBridge = false;
    const openBridge = (): Promise<void> => {
      if (!hasBridge) {
        hasBridge = true;
        const hear = (message: Msg): void => {
          if (registry.survey().framed > 0 && isOurs(message, partitions)) expander.receiveDirect(message);
        };
        subscriptions.push(client.subscribe(EVERY_USER, hear));
      }
      // it survives reconnects; only the certainty that it has begun is asked for again
      isBridged ??= client.flush().catch((error: unknown) => {
        isBridged = undefined;
        throw error;
      });
      return isBridged;
    };
    const receiver = new PresenceReceiver({
      client,
      registry,
      online,
      owner,
      openBridge,
      sendPending: (edge) => distributor.flushEdge(edge),
      log,
    });
    // from here on every event is retried; an edge that is acknowledged misses none
    for (const partition of partitions.subjects)
      subscriptions.push(client.subscribe(everyEvent(partition), (message) => expander.receive(message)));
    await client.flush();
    subscriptions.push(client.subscribe(EVERY_PRESENCE, (message) => receiver.receive(message)));
    client.publish(EVERY_EDGE, encodeOrder({ type: "announce", ...owner }));
    await client.flush();
    await new Promise((resolve) => setTimeout(resolve, ANNOUNCE_MS));
    const lists = new UserLists({
      client,
      partitions,
      lists: {
        subscriptions: (user, { after, limit }) => store.pageSubscriptions(user, after, limit),
        mutual: (user, { with: other, after, limit }) =>
          store.pageMutual(user, parseUserId(other ?? ""), after, limit),
      },
      read: (work) => store.read(work),
      log,
    });
    subscriptions.push(...lists.serve());
    const service = await serveEndpoints({ client, store, registry, online, partitions, lists }, log);
    expander.open();
    await client.flush();
    client.onStatus((connected) => {
      // what was on the way to us is lost; told before any edge is acknowledged, so that it tells its own loss with it
      if (connected) tellLoss("graph-reconnected");
    });
    client.onGranted(() => losses.call("graph-reconnected")); // likewise
    const expiry = setInterval(() => registry.expire(performance.now()), BEAT_MS);
    const windows = { window, narrowWindow };
    const parts = {
      ...{ store, client, registry, online, receiver, requests, distributor },
      ...{ ...windows, expander, lists },
    };
    return { ...parts, losses, service, subscriptions, expiry };
  }
}

/**
 * Whether a message to a user came from a producer, and is for us to pass on: copies of the graph's carry a header and have
 * gone their way, and one of several services takes each, by its id whatever that is.
 */
function isOurs(message: Msg, partitions: Partitions): boolean {
  const id = message.subject.slice(USER_PREFIX.length);
  return partitions.owns(id) && message.headers?.has(EVENT_HEADER) !== true;
}
