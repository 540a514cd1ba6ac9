// What the app needs of the edge around it. The app is made of web standards only; whoever runs it (Node with a
// socket pool, Bun or any other Hono runtime with web streams) brings these.

import type { Context } from "hono";
import type { StreamPosition, Topic, UserId } from "../broker/contract.ts";
import type { Admission } from "./admission.ts";
import type { Auth } from "./auth.ts";
import type { Fanout } from "./fanout/fanout.ts";
import type { Origins } from "./origins.ts";
import type { StreamSpec } from "./pool/pool.ts";

/** A static file of the live page. */
export interface Asset {
  readonly contentType: string;
  readonly body: string;
}

/** The graph, as far as a browser may ask. Failures reject with a coded error. */
export interface GraphGate {
  /** At most `limit` of whom a user follows, and of who follows them, with the whole number of the latter. */
  neighbours(user: UserId, limit: number): Promise<Neighbours>;
  /** Publishes an event and answers how many saw it, as the counted send does. */
  publish(topic: Topic, payload: Uint8Array): Promise<object>;
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
  /** How far the events that were passed on here go. */
  readonly position: Pick<StreamPosition, "cursor">;
  readonly graph: GraphGate;
  /** Whether readers may publish over HTTP: on their own topic, on any where reading is anonymous. */
  readonly publish: boolean;
  readonly origins: Origins;
  readonly assets: ReadonlyMap<string, Asset>;
  /** Answers with a response that stays open as this stream. */
  hold(c: Context, spec: StreamSpec, headers: Record<string, string>): Response;
  /** Something that is not the caller's mistake. */
  onError(error: Error): void;
}
