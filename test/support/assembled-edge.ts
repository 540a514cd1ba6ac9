// The parts of one edge over web streams, without a server, on a broker of its own and facing a graph that
// the test plays. Owned by the test, which stops it.

import assert from "node:assert/strict";
import { parseUserId } from "../../broker/contract.ts";
import type { BrokerClient, FanoutMode } from "../../broker/index.ts";
import { assembleEdge, type EdgeParts } from "../../edge/assemble.ts";
import type { StreamFormat } from "../../edge/formats/format.ts";
import { ndjson } from "../../edge/formats/ndjson.ts";
import { DEFAULT_LIMITS } from "../../edge/pool/pool.ts";
import { WebPool } from "../../edge/pool/web/web-pool.ts";
import { type BrokerUnderTest, embedded, type TestBroker, urlOf } from "./brokers.ts";
import { connectClient } from "./client.ts";
import { PlayedGraph, type PlayedService } from "./played-graph.ts";
import { Body } from "./web-edges.ts";

export interface AssembledOptions {
  readonly mode: FanoutMode;
  readonly services?: readonly PlayedService[];
  readonly broker?: BrokerUnderTest;
}

export class AssembledEdge {
  broker: TestBroker;
  readonly client: BrokerClient;
  readonly graph: PlayedGraph;
  readonly parts: EdgeParts<WebPool>;
  readonly #bodies: Body[] = [];
  readonly #errors: Error[] = [];

  private constructor(broker: TestBroker, client: BrokerClient, graph: PlayedGraph, mode: FanoutMode) {
    const pool = new WebPool(DEFAULT_LIMITS);
    this.broker = broker;
    this.client = client;
    this.graph = graph;
    this.parts = assembleEdge({
      ...{ edgeId: "one", client, anonymous: true, assets: new Map(), pool },
      config: {
        ...{ fanout: mode, jwtKey: undefined, allowPublish: undefined, corsOrigins: [] },
        ...{ maxStreams: 1_000, maxStreamsPerUser: 100 },
      },
      hold: () => assert.fail("streams are begun without a request"),
      onError: (error) => this.#errors.push(error),
      onOtherVersion: () => {},
      onStatus: () => {},
    });
  }

  static async start({ mode, services, broker = embedded }: AssembledOptions): Promise<AssembledEdge> {
    const started = await broker.start();
    const client = await connectClient({ url: urlOf(started) }, "edge");
    const graph = await PlayedGraph.start(urlOf(started), services);
    const edge = new AssembledEdge(started, client, graph, mode);
    await edge.parts.start();
    return edge;
  }

  /**
   * Begins a stream of these users, separated by commas.
   * @param presented the cursor of a returning reader
   */
  request(names: string, presented?: string, format: StreamFormat = ndjson): Body {
    const { seams, fanout, pool } = this.parts;
    const users = names.split(",").map(parseUserId);
    const returning = presented === undefined ? undefined : { cursor: presented };
    const cork = seams.begin({ users, format, retryMs: 1_000, presented: returning }, () =>
      fanout.join(users),
    );
    const spec = { users, format, opening: "", cursor: presented ?? "", cork };
    const body = new Body(new Response(pool.body(spec)));
    this.#bodies.push(body);
    return body;
  }

  /** Opens a stream of new readers, and waits until it is live. */
  async open(names: string): Promise<Body> {
    const body = this.request(names);
    await body.until(/"cursor":.*\n/);
    return body;
  }

  handleOf(user: string): number {
    return this.graph.handleOf(user);
  }

  /** Resolves when the edge has handled everything that the graph has sent. */
  async settle(): Promise<void> {
    await this.graph.flush();
    await this.client.flush();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#bodies.map((body) => body.cancel()));
    await this.parts.stop();
    await this.client.close();
    await this.graph.close();
    await this.broker.stop();
    assert.deepEqual(this.#errors, []);
  }
}

/** Returns the values of `data` in a stream of NDJSON, in order, and the reason of each resync. */
export function dataIn({ text }: Body): string[] {
  return linesIn(text).flatMap((line) => {
    if (line.resync !== undefined) return [`resync ${line.resync.reason}`];
    if (line.goodbye !== undefined) return [`goodbye ${line.goodbye.reason}`];
    return line.data === undefined ? [] : [line.data];
  });
}

/** Returns the cursors in a stream of NDJSON, in order. */
export function cursorsIn({ text }: Body): string[] {
  return linesIn(text).flatMap(({ cursor, resync }) => cursor ?? resync?.cursor ?? []);
}

interface Line {
  readonly data?: string;
  readonly cursor?: string;
  readonly resync?: { readonly reason: string; readonly cursor: string };
  readonly goodbye?: { readonly reason: string };
}

function linesIn(text: string): Line[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}
