// A complete Encke in this process, on free ports and in temporary folders: broker, graph and edges as `encke
// up` runs them. Tests of several processes start the command instead.

import { graphSubject, parseTopic, parseUserId } from "../../broker/contract.ts";
import type { BrokerClient, FanoutMode, NatsConfig } from "../../broker/index.ts";
import { defaultPoolKind, Edge, type EdgeConfig } from "../../edge/index.ts";
import { GraphService, type GraphServiceOptions, Partitions } from "../../graph/index.ts";
import { codeOf } from "../../lib/errors.ts";
import { createLogger, type Logger } from "../../lib/log.ts";
import { createMetrics, type Metrics } from "../../lib/metrics.ts";
import { type BrokerUnderTest, type TestBroker, type TestUser, urlOf } from "./brokers.ts";
import { connectClient } from "./client.ts";
import { Reader } from "./reader.ts";
import { tempDir } from "./temp-dir.ts";
import { waitFor } from "./wait-for.ts";

const log = createLogger("test", "silent");

export interface NetworkOptions {
  readonly broker: BrokerUnderTest;
  /** Fan-out modes; one edge is started for each. */
  readonly fleet?: readonly FanoutMode[];
  /**
   * Shares in the form of `--partitions`; one graph service is started for each. A single undivided one by
   * default.
   */
  readonly shares?: readonly string[];
  /** Settings that override the defaults of every edge. */
  readonly edge?: Partial<EdgeConfig>;
  /** What the history of every graph service keeps. */
  readonly history?: GraphServiceOptions["history"];
  /** How events enter every graph service. */
  readonly intake?: GraphServiceOptions["intake"];
  /** `[subscriber, topic]` pairs that are in the graph from the start. */
  readonly follows?: readonly (readonly [string, string])[];
}

/** One graph service, for all topics or for some partitions. */
export interface TestGraph {
  readonly partitions: Partitions;
  readonly directory: string;
  readonly service: GraphService;
  readonly metrics: Metrics;
}

export class TestNetwork {
  broker: TestBroker;
  readonly client: BrokerClient;
  readonly edges: Edge[] = [];
  /** Graph services that are running. */
  readonly graphs: TestGraph[] = [];
  readonly #edgeConfig: Partial<EdgeConfig>;
  readonly #graphOptions: Pick<GraphServiceOptions, "history" | "intake">;
  readonly #readers: Reader[] = [];

  private constructor(
    broker: TestBroker,
    client: BrokerClient,
    { edge = {}, history, intake }: Pick<NetworkOptions, "edge" | "history" | "intake">,
  ) {
    this.broker = broker;
    this.client = client;
    this.#edgeConfig = edge;
    this.#graphOptions = { ...(history && { history }), ...(intake && { intake }) };
  }

  static async start({
    broker,
    fleet = ["subject"],
    shares = [String(Partitions.whole)],
    follows = [],
    ...options
  }: NetworkOptions): Promise<TestNetwork> {
    const started = await broker.start();
    const client = await connectClient(natsOf(started, "producer"));
    const network = new TestNetwork(started, client, options);
    try {
      for (const share of shares) await network.startGraph(share);
      for (const [subscriber, topic] of follows) await network.follow(subscriber, topic);
      for (const fanout of fleet) await network.startEdge({ fanout });
      return network;
    } catch (error) {
      // a server left running would keep the test file from ending
      await network.stop();
      throw error;
    }
  }

  async startEdge(overrides: Partial<EdgeConfig> = {}): Promise<Edge> {
    const nats = natsOf(this.broker, "edge", 2 + this.edges.length);
    const edge = newEdge(nats, { ...this.#edgeConfig, ...overrides });
    await edge.start();
    this.edges.push(edge);
    return edge;
  }

  /**
   * Restarts a stopped broker on the same ports, and waits until the client and every graph service have
   * reconnected.
   */
  async restartBroker(broker: BrokerUnderTest): Promise<void> {
    this.broker = await broker.start(this.broker.ports);
    await waitFor("the test's client to reconnect", () => this.client.connected);
    await waitFor("the graph to reconnect", () =>
      this.graphs.every(({ service }) => service.notReady === undefined),
    );
  }

  /**
   * Starts a graph service for a share of the partitions, in a new folder or in one of an earlier service.
   */
  async startGraph(share: string, directory: string = tempDir()): Promise<TestGraph> {
    const partitions = Partitions.parse(share);
    const nats = natsOf(this.broker, "graph", 1 + this.graphs.length);
    const metrics = createMetrics();
    const options = { directory, nats, partitions, log, metrics, ...this.#graphOptions };
    const service = new GraphService(options);
    await service.start();
    await this.#untilKnown(partitions);
    const graph = { partitions, directory, service, metrics };
    this.graphs.push(graph);
    return graph;
  }

  /**
   * Waits until a service's subscriptions have reached the other nodes of a cluster, which happens a moment
   * after the service has started. The subscription that it makes last is checked.
   */
  async #untilKnown(partitions: Partitions): Promise<void> {
    const topics = Array.from({ length: 16 * partitions.of }, (_, n) => parseTopic(`known-${n}`));
    for (const partition of partitions.owned) {
      const topic = topics.find((name) => partitions.partitionOf(name) === partition);
      await waitFor(`partition ${partition} to be known`, () =>
        this.client.request(`graph.audit.${topic}`, "", 2_000).then(
          () => true,
          () => false,
        ),
      );
    }
  }

  async stopGraph(graph: TestGraph): Promise<void> {
    this.graphs.splice(this.graphs.indexOf(graph), 1);
    await graph.service.stop();
  }

  /** Stops the graph services and starts each again on its folder. */
  async restartGraphs(): Promise<void> {
    for (const graph of [...this.graphs]) {
      await this.stopGraph(graph);
      await this.startGraph(String(graph.partitions), graph.directory);
    }
  }

  url(path: string, edge = 0): URL {
    return new URL(path, `http://127.0.0.1:${this.edges[edge]?.port}`);
  }

  /** Opens a stream, which `stop` closes if the test has not. */
  async read(path: string, headers: Readonly<Record<string, string>> = {}, edge = 0): Promise<Reader> {
    const reader = await Reader.open(this.url(path, edge), headers);
    this.#readers.push(reader);
    return reader;
  }

  follow(subscriber: string, topic: string): Promise<void> {
    return this.#change("subscribe", subscriber, topic);
  }

  unfollow(subscriber: string, topic: string): Promise<void> {
    return this.#change("unsubscribe", subscriber, topic);
  }

  /**
   * Retries, because in a cluster a service's subscriptions reach our node a moment after the service has
   * started.
   */
  #change(verb: "subscribe" | "unsubscribe", subscriber: string, topic: string): Promise<void> {
    const subject = graphSubject(verb, parseTopic(topic));
    return waitFor(`the graph to take ${subject}`, () =>
      this.client.request(subject, parseUserId(subscriber), 2_000).then(
        () => true,
        (error: unknown) => {
          if (codeOf(error) === "NO_RESPONDERS") return false;
          throw error;
        },
      ),
    );
  }

  /** Sends a counted event and returns its reply. */
  async send(
    subject: string,
    payload: string,
  ): Promise<{ id: string; recipients: number; online: number; delivered: number; timedOut: number }> {
    return (await this.client.request(subject, payload, 2_000)).json();
  }

  /** Waits until every edge accepts readers. */
  ready(): Promise<void> {
    return waitFor("every edge to be ready", () => this.edges.every((edge) => edge.notReady === undefined));
  }

  async stop(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    await Promise.all(this.edges.map((edge) => edge.stop()));
    await Promise.all(this.graphs.map(({ service }) => service.stop()));
    await this.client.close();
    await this.broker.stop();
  }
}

/** Returns the NATS configuration of one service. In a cluster each service uses a node of its own. */
function natsOf(broker: TestBroker, user: TestUser, node = 0): NatsConfig {
  return { url: urlOf(broker, node), ...broker.login?.(user) };
}

/** Returns an edge on a free port that is not started yet. */
export function newEdge(
  nats: NatsConfig,
  overrides: Partial<EdgeConfig>,
  { logger = log, metrics = createMetrics() }: { readonly logger?: Logger; readonly metrics?: Metrics } = {},
): Edge {
  const config: EdgeConfig = {
    listen: { host: "127.0.0.1", port: 0 },
    nats,
    fanout: "subject",
    pool: defaultPoolKind(),
    jwtKey: undefined,
    allowAnonymous: false,
    allowPublish: undefined,
    corsOrigins: [],
    maxStreams: 10_000,
    maxStreamsPerUser: 1_000,
    maxStreamAgeMs: 0,
    heartbeatMs: 24_000,
    readerTimeoutMs: 60_000,
    drainMs: 5_000,
    logLevel: "silent",
    ...overrides,
  };
  return new Edge({ config, log: logger, metrics });
}
