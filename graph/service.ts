// The graph service: one process that owns one graph directory and one NATS connection. It answers questions about
// the graph, takes changes, and expands events to everyone who follows their author.

import { EVERY_EDGE, EVERY_EVENT, EVERY_PRESENCE, EVERY_USER, EventIds } from "../broker/contract.ts";
import {
  BEAT_MS,
  BrokerClient,
  type EdgeOrder,
  EVENT_HEADER,
  EXPIRY_MS,
  type Msg,
  type NatsConfig,
  type Service,
  type Subscribed,
} from "../broker/index.ts";
import { codeOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Metrics } from "../lib/metrics.ts";
import { OnlineTable } from "./edges/online.ts";
import { EdgeQuestions } from "./edges/questions.ts";
import { Registrar } from "./edges/registrar.ts";
import { Roster } from "./edges/roster.ts";
import { countSeen } from "./edges/tally.ts";
import { SERVICE_NAME, serveEndpoints } from "./endpoints.ts";
import { GraphError } from "./errors.ts";
import { Distributor } from "./fanout/distributor.ts";
import { Expander } from "./fanout/expander.ts";
import { NARROW_WINDOW, Window } from "./fanout/window.ts";
import { registerMetrics } from "./metrics.ts";
import { GraphStore } from "./store/store.ts";

/** Followers held in memory, in MiB: the rows of 1,000,000 users with 30 friends take 100. */
export const DEFAULT_ROW_MEMORY_MB = 256;
/** This service's part of the topics; a graph on one machine has one. */
const PARTITION = 0;
/** How long to wait for another graph service to say that it is there. */
const OTHER_SERVICE_MS = 500;
/** After the call to announce themselves, edges get this long before events are taken. */
const ANNOUNCE_MS = 250;
/** Readers are told of losses at most this often; each telling covers all before it. */
const RESYNC_EVERY_MS = 1_000;

export interface GraphServiceOptions {
  readonly directory: string;
  /** What the rows of followers may take in memory, in MiB; DEFAULT_ROW_MEMORY_MB. */
  readonly rowMemoryMb?: number;
  readonly nats: NatsConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Ends the waiting for NATS. */
  readonly signal?: AbortSignal;
}

interface Running {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly roster: Roster;
  readonly online: OnlineTable;
  readonly registrar: Registrar;
  readonly questions: EdgeQuestions;
  readonly distributor: Distributor;
  readonly window: Window;
  readonly narrowWindow: Window;
  readonly expander: Expander;
  readonly service: Service;
  readonly subscriptions: Subscribed[];
  readonly expiry: NodeJS.Timeout;
}

export class GraphService {
  readonly #options: GraphServiceOptions;
  #running: Running | undefined;
  #resyncAt = 0;
  #resyncTimer: NodeJS.Timeout | undefined;

  constructor(options: GraphServiceOptions) {
    this.#options = options;
  }

  /** Follow relations in the graph. */
  get edges(): number {
    return this.#running?.store.edges ?? 0;
  }

  /** Why it does not serve at this moment; undefined when it does. */
  get notReady(): string | undefined {
    if (this.#running === undefined) return "starting";
    return this.#running.client.connected ? undefined : "NATS is away";
  }

  /**
   * Opens the graph, connects (waiting for NATS as long as it takes) and serves.
   * @throws GraphError for a directory that cannot be used, GRAPH_SERVED_ALREADY; BrokerError for refused credentials
   */
  async start(): Promise<void> {
    const { directory, rowMemoryMb = DEFAULT_ROW_MEMORY_MB, nats, log, metrics, signal } = this.#options;
    const store = await GraphStore.open(directory, { memoryBytes: rowMemoryMb * 1_048_576 });
    noteLoaded(store, log);
    let client: BrokerClient | undefined;
    try {
      client = await BrokerClient.connect(nats, {
        name: SERVICE_NAME,
        log,
        wait: true,
        echo: false, // the bridge must not hear the copies that we publish
        ...(signal && { signal }),
      });
      await refuseSecondService(client);
      this.#running = await this.#serve(store, client);
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
    clearTimeout(this.#resyncTimer);
    running.questions.close();
    await running.store.close();
    await running.client.close();
  }

  async #serve(store: GraphStore, client: BrokerClient): Promise<Running> {
    const { log } = this.#options;
    const epoch = await store.nextEpoch();
    const online = new OnlineTable();
    const roster = new Roster({ expiryMs: EXPIRY_MS, onGone: ({ slot }) => online.removeEdge(slot) });
    const questions = new EdgeQuestions(client, roster);
    const window = new Window(client, roster, questions);
    const narrowWindow = new Window(client, roster, questions, NARROW_WINDOW);
    const distributor = new Distributor({ client, roster, online, nameOf: (id) => store.nameOf(id) });
    const expander = new Expander({
      store,
      client,
      log,
      ids: new EventIds(PARTITION, epoch),
      distributor,
      window,
      narrowWindow,
      count: (event, edges) => countSeen(questions, edges, event),
      onLoss: (reason) => this.#resync(client, reason),
    });
    const subscriptions: Subscribed[] = [];
    let isBridged: Promise<void> | undefined;
    let hasBridge = false;
    const openBridge = (): Promise<void> => {
      if (!hasBridge) {
        hasBridge = true;
        const hear = (message: Msg): void => {
          if (roster.survey().gateways > 0) passOn(message, expander);
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
    const registrar = new Registrar({
      client,
      roster,
      online,
      graph: epoch,
      openBridge,
      sendPending: (edge) => distributor.flushEdge(edge),
      log,
    });
    // from here on every event is kept; an edge that is acknowledged misses none
    subscriptions.push(client.subscribe(EVERY_EVENT, (message) => expander.receive(message)));
    await client.flush();
    subscriptions.push(client.subscribe(EVERY_PRESENCE, (message) => registrar.receive(message)));
    client.publish(EVERY_EDGE, JSON.stringify({ type: "announce", graph: epoch } satisfies EdgeOrder));
    await client.flush();
    await new Promise((resolve) => setTimeout(resolve, ANNOUNCE_MS));
    const service = await serveEndpoints(client, { store, roster, online, partition: PARTITION }, log);
    expander.open();
    await client.flush();
    client.onStatus((connected) => {
      if (connected) this.#resync(client, "graph-reconnected"); // what was on the way to us is lost
    });
    const expiry = setInterval(() => roster.expire(Date.now()), BEAT_MS);
    const windows = { window, narrowWindow };
    const parts = { store, client, roster, online, registrar, questions, distributor, ...windows, expander };
    return { ...parts, service, subscriptions, expiry };
  }

  /** Tells every reader that something may be missing; at once, then at most once a RESYNC_EVERY_MS. */
  #resync(client: BrokerClient, reason: string): void {
    if (this.#resyncTimer !== undefined) return;
    const waitMs = Math.max(0, this.#resyncAt + RESYNC_EVERY_MS - Date.now());
    this.#resyncTimer = setTimeout(() => {
      this.#resyncTimer = undefined;
      this.#resyncAt = Date.now();
      client.publish(EVERY_EDGE, JSON.stringify({ type: "resync", reason } satisfies EdgeOrder));
    }, waitMs);
  }
}

/** Says when the followers are in memory; until then, and without room, they are read from disk. */
function noteLoaded({ receivers }: GraphStore, log: Logger): void {
  receivers.loaded.then(
    () => {
      const { rows, bytes, complete, full } = receivers;
      if (complete) log.info({ rows, bytes }, "followers are in memory");
      else if (full) log.warn({ rows, bytes }, "not all followers fit into memory: raise --row-memory");
    },
    (error: unknown) => log.error({ err: error }, "followers could not be read into memory"),
  );
}

/** A message that a producer sent straight to a user; copies of ours carry a header, and have gone their way. */
function passOn(message: Msg, expander: Expander): void {
  if (message.headers?.has(EVENT_HEADER) !== true) expander.receiveDirect(message);
}

/** Two services would each expand every event. @throws GraphError GRAPH_SERVED_ALREADY */
async function refuseSecondService(client: BrokerClient): Promise<void> {
  try {
    const reply = await client.request(`$SRV.PING.${SERVICE_NAME}`, "", OTHER_SERVICE_MS);
    const { id } = JSON.parse(new TextDecoder().decode(reply.data)) as { id: string };
    throw new GraphError(
      "GRAPH_SERVED_ALREADY",
      `graph service ${id} answers on this NATS already: stop it first, events would arrive twice`,
    );
  } catch (error) {
    const code = codeOf(error);
    if (code !== "NO_RESPONDERS" && code !== "REQUEST_TIMEOUT") throw error;
  }
}
