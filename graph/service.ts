// The graph service: one process that owns one graph directory and one NATS connection. It answers questions about
// the graph, takes changes, and expands events to everyone who follows their author.

import { EVERY_EDGE, EVERY_EVENT, EVERY_PRESENCE, EventIds } from "../broker/contract.ts";
import {
  BrokerClient,
  EXPIRY_MS,
  type Msg,
  type NatsConfig,
  parseBeat,
  type Service,
  type Subscribed,
} from "../broker/index.ts";
import { codeOf } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Metrics } from "../lib/metrics.ts";
import { EdgeQuestions } from "./edge-questions.ts";
import { Edges } from "./edges.ts";
import { SERVICE_NAME, serveEndpoints } from "./endpoints.ts";
import { GraphError } from "./errors.ts";
import { Expander } from "./expander.ts";
import { registerMetrics } from "./metrics.ts";
import { GraphStore } from "./store/store.ts";
import { countSeen } from "./tally.ts";
import { Window } from "./window.ts";

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
  readonly nats: NatsConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Ends the waiting for NATS. */
  readonly signal?: AbortSignal;
}

interface Running {
  readonly store: GraphStore;
  readonly client: BrokerClient;
  readonly expander: Expander;
  readonly questions: EdgeQuestions;
  readonly window: Window;
  readonly service: Service;
  readonly subscriptions: readonly Subscribed[];
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
    const { directory, nats, log, metrics, signal } = this.#options;
    const store = await GraphStore.open(directory);
    let client: BrokerClient | undefined;
    try {
      client = await BrokerClient.connect(nats, {
        name: SERVICE_NAME,
        log,
        wait: true,
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
    clearTimeout(this.#resyncTimer);
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    for (const subscription of running.subscriptions) subscription.unsubscribe();
    await running.service.stop();
    await running.client.flush().catch(() => {}); // NATS is away: nothing more can arrive anyway
    await running.expander.settle();
    running.questions.close();
    await running.store.close();
    await running.client.close();
  }

  async #serve(store: GraphStore, client: BrokerClient): Promise<Running> {
    const { log } = this.#options;
    const epoch = await store.nextEpoch();
    const edges = new Edges(EXPIRY_MS);
    const questions = new EdgeQuestions(client, edges);
    const window = new Window(client, edges, questions);
    const expander = new Expander({
      store,
      client,
      log,
      ids: new EventIds(PARTITION, epoch),
      window,
      count: (event) => countSeen(questions, edges.alive(Date.now()), event),
      onLoss: (reason) => this.#resync(client, reason),
    });
    const acknowledgement = JSON.stringify({ epoch });
    const hearBeat = (message: Msg): void => {
      const { edge, mode, leaving } = parseBeat(message.data);
      if (leaving === true) edges.left(edge);
      else if (edges.heard(edge, mode, Date.now())) message.respond(acknowledgement);
    };
    const presence = client.subscribe(EVERY_PRESENCE, hearBeat);
    client.publish(EVERY_EDGE, JSON.stringify({ type: "announce" }));
    await client.flush();
    await new Promise((resolve) => setTimeout(resolve, ANNOUNCE_MS));
    const service = await serveEndpoints(client, store, log);
    const events = client.subscribe(EVERY_EVENT, (message) => expander.receive(message));
    await client.flush();
    client.onStatus((connected) => {
      if (connected) this.#resync(client, "graph-reconnected"); // what was on the way to us is lost
    });
    return { store, client, expander, questions, window, service, subscriptions: [presence, events] };
  }

  /** Tells every reader that something may be missing; at once, then at most once a RESYNC_EVERY_MS. */
  #resync(client: BrokerClient, reason: string): void {
    if (this.#resyncTimer !== undefined) return;
    const waitMs = Math.max(0, this.#resyncAt + RESYNC_EVERY_MS - Date.now());
    this.#resyncTimer = setTimeout(() => {
      this.#resyncTimer = undefined;
      this.#resyncAt = Date.now();
      client.publish(EVERY_EDGE, JSON.stringify({ type: "resync", reason }));
    }, waitMs);
  }
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
