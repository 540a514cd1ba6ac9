// Edges over web streams on a network of their own, called through app.request(): one with anonymous reading,
// one with a key, and others that a test creates. Owned by the test, which fails at its end if an edge
// reported an error.

import assert from "node:assert/strict";
import type { Hono } from "hono";
import { DEFAULT_LIMITS, signToken, WebEdge, type WebEdgeOptions } from "../../edge/index.ts";
import { embedded } from "./brokers.ts";
import { TestNetwork } from "./network.ts";
import { KEY } from "./tokens.ts";
import { waitFor } from "./wait-for.ts";

type AppConfig = WebEdgeOptions["config"];

const CONFIG: AppConfig = {
  fanout: "subject",
  jwtKey: undefined,
  allowPublish: undefined,
  corsOrigins: [],
  maxStreams: 100,
  maxStreamsPerUser: 3,
};

export class WebEdges {
  readonly network: TestNetwork;
  readonly #edges: WebEdge[] = [];
  readonly #errors: Error[] = [];
  #open: WebEdge | undefined;
  #keyed: WebEdge | undefined;
  /** A token of user 7, valid at both edges. */
  token = "";

  private constructor(network: TestNetwork) {
    this.network = network;
  }

  static async start(): Promise<WebEdges> {
    const network = await TestNetwork.start({
      broker: embedded,
      fleet: [],
      follows: [
        ["7", "42"],
        ["9", "42"],
      ],
    });
    const edges = new WebEdges(network);
    edges.#open = await edges.make();
    edges.#keyed = await edges.make({ jwtKey: KEY, corsOrigins: ["https://app.example"] });
    edges.token = await signToken(KEY, "7", 60_000);
    return edges;
  }

  /** The edge with anonymous reading. */
  get app(): Hono {
    return appOf(this.#open);
  }

  /** The edge with KEY, which one other site's pages may read. */
  get keyed(): Hono {
    return appOf(this.#keyed);
  }

  async make(config: Partial<AppConfig> = {}): Promise<WebEdge> {
    const edge = new WebEdge({
      edgeId: `test${this.#edges.length}`,
      client: this.network.client,
      config: { ...CONFIG, ...config },
      anonymous: config.jwtKey === undefined,
      limits: { ...DEFAULT_LIMITS, heartbeatMs: 500 },
      onError: (error) => this.#errors.push(error),
    });
    await edge.start();
    this.#edges.push(edge);
    return edge;
  }

  async stop(): Promise<void> {
    for (const edge of this.#edges) await edge.stop({ perSecond: 1_000, deadlineMs: 100 });
    await this.network.stop();
    assert.deepEqual(this.#errors, []);
  }
}

/** Reads a streamed body while it arrives. */
export class Body {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  text = "";
  done = false;

  constructor(response: Response) {
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
    void this.#pump();
  }

  until(pattern: RegExp): Promise<void> {
    return waitFor(`${pattern} in ${JSON.stringify(this.text)}`, () => pattern.test(this.text));
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  async #pump(): Promise<void> {
    for (let part = await this.#reader.read(); part.value !== undefined; part = await this.#reader.read()) {
      this.text += new TextDecoder().decode(part.value);
    }
    this.done = true;
  }
}

/** Returns the code of an error response. */
export async function errorOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: string }).error;
}

function appOf(edge: WebEdge | undefined): Hono {
  if (edge === undefined) throw new Error("start() was not called");
  return edge.app;
}
