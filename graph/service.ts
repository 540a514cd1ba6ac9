// The graph service: one process that owns one graph directory and one NATS connection. It serves requests
// about the graph, applies changes, and expands each event to all followers of its topic.

import { join } from "node:path";
import { EVERY_PRESENCE, markSubject, replaySubject, type Topic } from "../broker/contract.ts";
import { BEAT_MS, BrokerClient, type NatsConfig, type Served, type Subscribed } from "../broker/index.ts";
import { quote } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Metrics } from "../lib/metrics.ts";
import { assemble, type Foundation, type ServiceParts } from "./assemble.ts";
import { jetStreamLogs } from "./change-log/jetstream-log.ts";
import { proveMappings, refuseSecondOwner } from "./claim.ts";
import { SERVICE_NAME, serveEndpoints } from "./endpoints.ts";
import { GraphError } from "./errors.ts";
import { GraphStore } from "./graph-store.ts";
import { History } from "./history/history.ts";
import { noteRestart } from "./history/restart-hole.ts";
import type { HistoryBounds } from "./history/retention.ts";
import { Absences } from "./intake/absences.ts";
import { chooseNumbering, type IntakeKind, whenAvailable } from "./intake/choose-numbering.ts";
import { EventLog } from "./intake/event-log.ts";
import { openEventStreams, type StreamSettings } from "./intake/event-streams.ts";
import { StreamStarts } from "./intake/stream-starts.ts";
import { registerMetrics } from "./metrics.ts";
import { Partitions } from "./partitions.ts";
import { replicasFor } from "./replicas.ts";

/** Memory for rows of followers, in MiB. The rows of 1,000,000 users with 30 friends take 100. */
export const DEFAULT_ROW_MEMORY_MB = 256;
/** The time that edges have to announce themselves before the service accepts events. */
const ANNOUNCE_MS = 250;

/** What the history keeps unless it is set: so many events, a day, 4 GiB. */
export const DEFAULT_HISTORY_BOUNDS: HistoryBounds = {
  maxRows: 4_000_000,
  maxAgeMs: 86_400_000,
  maxBytes: 4_294_967_296,
};
/** The history's folder in the graph's. */
const HISTORY_FOLDER = "history";
/** Memory for the newest events. */
const RECENT_BYTES = 67_108_864;

/** How events enter, and what the streams keep that store them first. */
export interface IntakeOptions {
  readonly kind: IntakeKind;
  readonly streams: StreamSettings;
  /** After an interruption, edges are not sent events that are older than this; readers who return are. */
  readonly fanOutWithinMs: number;
}

export const DEFAULT_INTAKE: IntakeOptions = {
  kind: "core",
  streams: { bytes: 4_294_967_296, maxAgeMs: 86_400_000 },
  fanOutWithinMs: 60_000,
};

export interface GraphServiceOptions {
  readonly directory: string;
  /** Maximum memory for rows of followers, in MiB. Defaults to DEFAULT_ROW_MEMORY_MB. */
  readonly rowMemoryMb?: number;
  /** What the history keeps; DEFAULT_HISTORY_BOUNDS. */
  readonly history?: HistoryBounds;
  /** DEFAULT_INTAKE for what is absent. */
  readonly intake?: Partial<IntakeOptions>;
  /** Maximum number of events replayed to a returning reader per partition; DEFAULT_REPLAY_EVENTS. */
  readonly replayEvents?: number | undefined;
  /** A promise is awaited only once the graph is open, so that a broker can start meanwhile. */
  readonly nats: NatsConfig | Promise<NatsConfig>;
  /** The share of the topics that it owns. Defaults to the whole graph. */
  readonly partitions?: Partitions;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Aborts waiting for NATS. */
  readonly signal?: AbortSignal;
}

interface Running extends ServiceParts {
  readonly service: Served;
  readonly subscriptions: readonly Subscribed[];
  readonly expiry: NodeJS.Timeout;
}

export class GraphService {
  readonly #options: GraphServiceOptions;
  #running: Running | undefined;

  constructor(options: GraphServiceOptions) {
    this.#options = options;
  }

  /** The number of follows. */
  get follows(): number {
    return this.#running?.store.follows ?? 0;
  }

  /** Why the service is not ready at present; undefined when it is. */
  get notReady(): string | undefined {
    if (this.#running === undefined) return "starting";
    const { client, intake } = this.#running;
    const { connected, unfit, refused } = client;
    if (!connected) return "NATS is not connected";
    if (unfit !== undefined) return unfit;
    const [subject] = refused;
    if (subject !== undefined) return `NATS denies the subscription ${quote(subject)}: permit it`;
    if (intake.notReady !== undefined) return intake.notReady;
    const { trouble, logTrouble } = this.#running.store;
    if (logTrouble !== undefined) return `changes are refused: ${logTrouble}`;
    return trouble && `changes are refused because the disk failed (${trouble.reason})`;
  }

  /**
   * Opens the graph, connects, waiting for NATS for as long as it takes, and serves.
   * @throws GraphError for a directory that cannot be used, GRAPH_SERVED_ALREADY, GRAPH_UNMAPPED; BrokerError
   * for refused credentials
   */
  async start(): Promise<void> {
    const { directory, log, metrics, signal } = this.#options;
    const { partitions = Partitions.whole, rowMemoryMb = DEFAULT_ROW_MEMORY_MB } = this.#options;
    const { replayEvents } = this.#options;
    const store = await GraphStore.open(directory, {
      partitions,
      memoryBytes: rowMemoryMb * 1_048_576,
      onTrouble: (trouble) =>
        trouble === undefined
          ? log.warn("the disk accepts writes again: changes are accepted")
          : log.error({ ...trouble }, "the disk accepts no writes: changes are refused"),
    });
    const { rows, full } = store.receivers;
    if (full && rowMemoryMb > 0)
      log.warn({ rows, rowMemoryMb }, "not all followers fit into memory: raise --row-memory");
    const connection = { log, wait: true, ...(signal && { signal }) };
    let client: BrokerClient | undefined;
    let history: History | undefined;
    try {
      // without streams, the history is opened while NATS starts
      if (this.#intake.kind === "core") history = await this.#openHistory(store, partitions, "own");
      const nats = await this.#options.nats;
      client = await BrokerClient.connect(nats, { ...connection, name: SERVICE_NAME, isReceiver: true });
      await refuseSecondOwner(client, partitions);
      await proveMappings(client, nats, connection, partitions);
      const numbering = await chooseNumbering(client, partitions, this.#intake.kind, { log, signal });
      if (numbering === "given") await this.#followLogs(store, client, partitions);
      history ??= await this.#openHistory(store, partitions, numbering);
      const epoch = await store.nextEpoch();
      const foundation = { store, history, client, partitions, epoch, replayEvents, log };
      const entering =
        numbering === "own"
          ? this.#enterOwn(history, partitions)
          : await this.#enterStreams(store, history, client, partitions);
      await store.noteHistoryEpoch(history.epoch);
      this.#running = await serve(assemble({ ...foundation, ...entering }));
      registerMetrics(metrics, this.#running);
    } catch (error) {
      await client?.close();
      await history?.close();
      await store.close();
      throw error;
    }
  }

  /**
   * Erases the events of a topic and, if it is a user's, the messages to the user: from the history, and from
   * what edges hold for readers.
   * @throws GraphError GRAPH_STARTING; GRAPH_DISK_FAILED, GRAPH_REOPENING: some may still be on disk; call it
   * again
   */
  async forget(name: Topic): Promise<void> {
    if (this.#running === undefined)
      throw new GraphError("GRAPH_STARTING", "the graph service has not started yet: try again in a moment");
    await this.#running.withdrawals.forget(name);
  }

  get #intake(): IntakeOptions {
    return { ...DEFAULT_INTAKE, ...this.#options.intake };
  }

  /** Where streams store the events, change logs in JetStream store the changes. */
  async #followLogs(store: GraphStore, client: BrokerClient, partitions: Partitions): Promise<void> {
    const { log, signal } = this.#options;
    const replicas = replicasFor(client, this.#intake.streams.replicas);
    await store.follow(jetStreamLogs(partitions, { client, replicas, log }), log, signal);
  }

  async #openHistory(store: GraphStore, { owned }: Partitions, numbering: "own" | "given"): Promise<History> {
    const { directory, log, history: bounds = DEFAULT_HISTORY_BOUNDS } = this.#options;
    const hadStreams = Object.keys(store.eventStreams).length > 0;
    // a stream may have gone on to number events that are not stored here
    const lastEpoch = store.historyEpoch + (numbering === "own" && hadStreams ? 1 : 0);
    const history = await History.open(join(directory, HISTORY_FOLDER), {
      partitions: owned,
      lastEpoch,
      numbering,
      bounds,
      recentBytes: RECENT_BYTES,
      onTrouble: (trouble) =>
        trouble === undefined
          ? log.warn("the disk accepts writes again: events are stored")
          : log.error({ ...trouble }, "the disk rejects writes: events are sent but not stored"),
    });
    await store.noteHistoryEpoch(history.epoch);
    if (numbering === "own" && hadStreams) await store.noteEventStreams({});
    return history;
  }

  /**
   * Tells readers of the time in which no service listened. Called before any part exists, so that the hole
   * counts as begun: new edges, which missed nothing, skip it.
   */
  #enterOwn(history: History, partitions: Partitions): Pick<Foundation, "events" | "tooLateBefore"> {
    noteRestart(history, partitions.owned);
    this.#options.log.info("events that are published while no graph service runs are lost: see --intake");
    return {};
  }

  /** Opens the streams of the events, and stores what they hold and this service has not read. */
  async #enterStreams(
    store: GraphStore,
    history: History,
    client: BrokerClient,
    partitions: Partitions,
  ): Promise<Pick<Foundation, "events" | "tooLateBefore">> {
    const { log, signal } = this.#options;
    const { streams: settings, fanOutWithinMs } = this.#intake;
    const known = store.eventStreams;
    const mayCreate = (partition: number): boolean => known[partition] === undefined;
    const streams = await whenAvailable(
      () => openEventStreams(client, partitions, settings, { mayCreate, log }),
      { log, signal },
    );
    const starts = new StreamStarts({ client, store, history, partitions, log });
    const events = new EventLog({ client, history, partitions, streams, starts, log });
    const awayMs = Date.now() - (history.lastListeningMs ?? Date.now());
    await events.start();
    return { events, ...(awayMs > fanOutWithinMs && { tooLateBefore: history.next }) };
  }

  /** Expands the events that have arrived, writes accepted changes and closes. Idempotent. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    clearInterval(running.expiry);
    // subscriptions that ended earlier would drop what was published before that moment and is on its way
    await running.upkeep.noteListening();
    await running.intake.close();
    for (const subscription of running.subscriptions) subscription.unsubscribe();
    await running.service.stop();
    await running.replays.stop();
    running.losses.stop();
    await running.expander.settle();
    await running.catchUps.stop();
    running.distributor.flush();
    await running.sends.stop();
    await running.upkeep.stop();
    running.requests.close();
    await running.history.close();
    await running.store.close();
    await running.client.close();
  }
}

/**
 * Subscribes to events, presence and requests. Events wait until the edges have been asked to announce
 * themselves.
 */
async function serve(parts: ServiceParts): Promise<Running> {
  const { client, partitions, intake, receiver, registry, expander, lists, distributor, upkeep } = parts;
  const { events, replays, withdrawals, losses } = parts;
  const subscriptions: Subscribed[] = [];
  withdrawals.begin();
  // from here on every event is received; an edge that is acknowledged misses none
  intake.open();
  await client.flush();
  subscriptions.push(client.subscribe(EVERY_PRESENCE, (message) => receiver.receive(message)));
  for (const partition of partitions.owned)
    subscriptions.push(
      client.subscribe(markSubject(partition), (message) => parts.markers.receive(partition, message)),
      client.subscribe(replaySubject(partition), (message) => replays.receive(partition, message)),
    );
  receiver.callEdges();
  await client.flush();
  await new Promise((resolve) => setTimeout(resolve, ANNOUNCE_MS));
  subscriptions.push(...lists.serve());
  const service = serveEndpoints(parts);
  expander.open();
  await upkeep.start();
  if (events === undefined)
    // else the streams kept what this service did not receive
    new Absences({
      ...{ client, losses, partitions: partitions.owned },
      listenedMs: () => upkeep.listenedMs,
      unprovenMs: () => upkeep.unprovenMs,
    });
  client.onStatus((connected) => {
    if (!connected) return;
    // copies on their way were lost; all other messages are numbered
    for (const partition of partitions.owned) distributor.noteLostCopies(partition);
  });
  const expiry = setInterval(() => registry.expire(performance.now()), BEAT_MS);
  return { ...parts, service, subscriptions, expiry };
}
