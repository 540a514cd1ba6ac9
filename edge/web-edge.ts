// The edge for any Hono runtime: the same app, with its streams over web streams. A runtime needs only
// `app.fetch`. The caller provides the NATS client, over whatever transport the runtime supports.

import type { Hono } from "hono";
import type { BrokerClient } from "../broker/index.ts";
import { type AppConfig, assembleEdge, type EdgeParts } from "./assemble.ts";
import { DEFAULT_LIMITS, type DrainOptions, type PoolLimits } from "./pool/pool.ts";
import { WebPool } from "./pool/web/web-pool.ts";

export interface WebEdgeOptions {
  readonly edgeId: string;
  readonly client: BrokerClient;
  readonly config: AppConfig;
  readonly anonymous: boolean;
  readonly limits?: PoolLimits;
  readonly onError: (error: Error) => void;
  readonly onOtherVersion?: (version: number) => void;
}

export class WebEdge {
  readonly #parts: EdgeParts<WebPool>;

  /** @throws EdgeError BAD_CONFIG */
  constructor(options: WebEdgeOptions) {
    const pool = new WebPool(options.limits ?? DEFAULT_LIMITS);
    this.#parts = assembleEdge({
      ...options,
      assets: new Map(),
      pool,
      async hold(c, spec, headers) {
        const body = await pool.begun(spec, c.req.raw.signal);
        return body === null ? c.body(null, 200, headers) : c.body(body, 200, headers);
      },
      onOtherVersion: options.onOtherVersion ?? (() => {}),
      onStatus: () => {},
    });
  }

  get app(): Hono {
    return this.#parts.app;
  }

  get pool(): WebPool {
    return this.#parts.pool;
  }

  /** Streams refused since the start. */
  get refused(): number {
    return this.#parts.admission.refused;
  }

  start(): Promise<void> {
    return this.#parts.start();
  }

  /** Ends every stream with a goodbye, and stops. The NATS client stays open, since the caller owns it. */
  async stop(drain: DrainOptions): Promise<void> {
    const { admission, pool } = this.#parts;
    admission.draining = true;
    await pool.drain(drain);
    await this.#parts.stop();
  }
}
