// What the app needs from its runtime. The app uses only web standards; the runtime (Node with a socket pool,
// Bun, or any other Hono runtime with web streams) provides these services.

import type { Context } from "hono";
import type { Topic, UserId } from "../broker/contract.ts";
import type { Admission } from "./admission.ts";
import type { Auth } from "./auth.ts";
import type { Fanout } from "./fanout/fanout.ts";
import type { Origins } from "./origins.ts";
import type { StreamSpec } from "./pool/pool.ts";
import type { Seams } from "./seam/seams.ts";
import type { SlowReaders } from "./slow-readers.ts";

/** A static file of the live page. */
export interface Asset {
  readonly contentType: string;
  readonly body: string;
}

/** The graph, as far as browsers may use it. Failures reject with an error that has a code. */
export interface GraphGate {
  /**
   * Returns at most `limit` of the topics that a user follows and of the user's followers, and the number of
   * followers.
   */
  neighbours(user: UserId, limit: number): Promise<Neighbours>;
  /**
   * Publishes an event and returns how many readers received it, as the reply to a counted event does. An
   * event with a message id that was accepted before is not published again.
   */
  publish(topic: Topic, payload: Uint8Array, messageId: string | undefined): Promise<object>;
}

export interface Neighbours {
  readonly user: string;
  readonly subscriptions: readonly string[];
  readonly subscribers: readonly string[];
  readonly subscriberCount: number;
}

export interface EdgeServices {
  readonly auth: Auth;
  readonly admission: Admission;
  readonly fanout: Pick<Fanout, "join" | "leave">;
  readonly seams: Pick<Seams, "begin">;
  readonly slowReaders: Pick<SlowReaders, "retryMs">;
  readonly graph: GraphGate;
  /** Whether readers may publish over HTTP: on their own topic, or on any topic if reading is anonymous. */
  readonly publish: boolean;
  readonly origins: Origins;
  readonly assets: ReadonlyMap<string, Asset>;
  /** Returns a response that stays open as this stream. */
  hold(c: Context, spec: StreamSpec, headers: Record<string, string>): Response | Promise<Response>;
  /** Called for an error that is not the caller's fault. */
  onError(error: Error): void;
}
