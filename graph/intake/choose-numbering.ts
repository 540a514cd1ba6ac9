// Decides what numbers the events: the service itself, or the streams that capture them. Streams are used
// where they are asked for, and by default where they exist. Stateless.

import { setTimeout as delay } from "node:timers/promises";
import type { BrokerClient } from "../../broker/index.ts";
import { Backoff } from "../../lib/backoff.ts";
import { codeOf, messageOf } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Partitions } from "../partitions.ts";
import { findEventStreams } from "./event-streams.ts";

export const INTAKES = ["auto", "core", "jetstream"] as const;
export type IntakeKind = (typeof INTAKES)[number];

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 2_000;

/** Errors after which `auto` does without streams. */
const WITHOUT_STREAMS: ReadonlySet<string | undefined> = new Set(["NO_JETSTREAM", "JETSTREAM_DENIED"]);

export interface Waiting {
  readonly log: Logger;
  /** Aborts the wait for JetStream. */
  readonly signal?: AbortSignal | undefined;
}

/** Returns `given` if streams number the events, and `own` if the service does. */
export async function chooseNumbering(
  client: BrokerClient,
  partitions: Partitions,
  intake: IntakeKind,
  waiting: Waiting,
): Promise<"own" | "given"> {
  if (intake !== "auto") return intake === "core" ? "own" : "given";
  if (!client.server.hasJetStream) return "own";
  try {
    const found = await whenAvailable(() => findEventStreams(client, partitions), waiting);
    return found.length === 0 ? "own" : "given";
  } catch (error) {
    if (!WITHOUT_STREAMS.has(codeOf(error))) throw error;
    return "own";
  }
}

/** Calls a function until JetStream replies: a cluster that starts has no leader for some seconds. */
export async function whenAvailable<T>(ask: () => Promise<T>, { log, signal }: Waiting): Promise<T> {
  const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS);
  let isLogged = false;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (codeOf(error) !== "JETSTREAM_UNAVAILABLE") throw error;
      if (!isLogged) log.warn({ reason: messageOf(error) }, "waiting for JetStream");
      isLogged = true;
    }
    await delay(backoff.nextMs(), undefined, { ...(signal && { signal }) });
  }
}
