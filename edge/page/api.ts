// Requests of the page to the edge that served it.

import { ApiError } from "./refusal.ts";

export interface Session {
  readonly user: string | null;
  readonly anonymous: boolean;
  readonly publish: boolean;
}

export interface Neighbours {
  readonly user: string;
  readonly subscriptions: readonly string[];
  readonly subscribers: readonly string[];
  readonly subscriberCount: number;
}

export interface Seen {
  readonly id: string;
  readonly recipients: number;
  readonly online: number;
  readonly delivered: number;
}

export function getSession(): Promise<Session> {
  return call("/session");
}

export function getNeighbours(user: string): Promise<Neighbours> {
  return call(`/graph/${encodeURIComponent(user)}`);
}

export function publish(topic: string, message: string): Promise<Seen> {
  return call(`/events/${encodeURIComponent(topic)}`, { method: "POST", body: message });
}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, init);
  if (response.ok && response.headers.get("Content-Type")?.startsWith("application/json"))
    return (await response.json()) as T;
  throw await ApiError.of(response);
}
