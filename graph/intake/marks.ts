// Marks: messages that a graph service puts into a partition's stream and waits for. A mark that comes back
// proves that everything the stream stored before it was read. A mark may carry a hole, which every service
// then stores at the same position. Owned by the event log; one mark per partition, and its holes, are under
// way at a time.

import { type ResyncReason, streamMarkSubject } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";

/** A mark that has not come back after this time is lost, perhaps because the stream had no leader. */
const LOST_AFTER_MS = 3_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What readers are told where a hole is. */
export interface MarkedHole {
  readonly reason: ResyncReason;
  /** In milliseconds since 1970. */
  readonly sinceMs: number;
}

interface SentMark {
  readonly token: string;
  /** By the monotonic clock. */
  readonly atMs: number;
}

export class Marks {
  readonly #client: Pick<BrokerClient, "publish">;
  /** Unique among the services that may write to the same stream. */
  readonly #writer: string;
  #count = 0;
  readonly #sent = new Map<number, SentMark>();

  /** @param writer unique among all starts of all services */
  constructor(client: Pick<BrokerClient, "publish">, writer: string) {
    this.#client = client;
    this.#writer = writer;
  }

  /** Sends a mark to a partition's stream, unless one is under way. */
  send(partition: number, nowMs: number): void {
    const sent = this.#sent.get(partition);
    if (sent !== undefined && nowMs - sent.atMs < LOST_AFTER_MS) return;
    const token = this.#newToken();
    this.#sent.set(partition, { token, atMs: nowMs });
    this.#client.publish(streamMarkSubject(partition, token));
  }

  /** Sends a hole to a partition's stream. Returns the token with which it comes back. */
  sendHole(partition: number, hole: MarkedHole): string {
    const token = this.#newToken();
    this.#client.publish(streamMarkSubject(partition, token), encoder.encode(JSON.stringify(hole)));
    return token;
  }

  /**
   * Returns when the partition's mark was sent that comes back with this token; undefined for other tokens.
   */
  take(partition: number, token: string): number | undefined {
    const sent = this.#sent.get(partition);
    if (sent?.token !== token) return undefined;
    this.#sent.delete(partition);
    return sent.atMs;
  }

  #newToken(): string {
    this.#count += 1;
    return `${this.#writer}-${this.#count}`;
  }
}

/** Returns the hole in a mark's payload; undefined if it has none. */
export function holeOf(payload: Uint8Array): MarkedHole | undefined {
  if (payload.length === 0) return undefined;
  try {
    const { reason, sinceMs } = JSON.parse(decoder.decode(payload)) as Partial<MarkedHole>;
    return reason === "late" && typeof sinceMs === "number" ? { reason, sinceMs } : undefined;
  } catch {
    return undefined; // published by another program: no mark of ours
  }
}
