// The article's message generators: so many senders, each at its own steady pace, each message to a random user. They
// keep to the beat, so the rate holds over hours; one that could not run for a while catches up with at most a second.

import { setTimeout as delay } from "node:timers/promises";
import { parseUserId, userSubject } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { nowUs } from "../flood/latency.ts";

const TICK_MS = 5;
const MAX_BEHIND_MS = 1_000;
/** How often it is seen whether the broker keeps up: until it has, nothing more is sent. */
const FLUSH_MS = 1_000;

export interface GeneratorOptions {
  readonly client: BrokerClient;
  readonly generators: number;
  /** Messages a second, all together. */
  readonly rate: number;
  /** Receivers are 1 … users. */
  readonly users: number;
  readonly signal: AbortSignal;
}

export interface Sent {
  messages: number;
  /** Not sent, because NATS was away or takes no message so large. */
  refused: number;
}

/** Sends until the signal, counting into `sent` as it goes. Resolves when the broker has taken the last message. */
export async function generate(options: GeneratorOptions, sent: Sent): Promise<void> {
  const { client, generators, rate, signal } = options;
  const pauseMs = (generators * 1000) / rate;
  const startedAtMs = performance.now();
  // spread, so that they do not all send at once
  const dueMs = Float64Array.from({ length: generators }, () => startedAtMs + Math.random() * pauseMs);
  let flushAtMs = startedAtMs + FLUSH_MS;
  while (!signal.aborted) {
    const nowMs = performance.now();
    for (let index = 0; index < generators; index += 1) {
      let due = Math.max(dueMs[index] ?? nowMs, nowMs - MAX_BEHIND_MS);
      for (; due <= nowMs; due += pauseMs) sendOne(options, sent);
      dueMs[index] = due;
    }
    if (nowMs >= flushAtMs) {
      await client.flush().catch(() => {}); // away: `refused` counts
      flushAtMs = nowMs + FLUSH_MS;
    }
    await delay(TICK_MS, undefined, { signal }).catch(() => {}); // aborted: the loop's condition sees it
  }
  await client.flush().catch(() => {}); // away: what was lost with it shows in the counts
}

function sendOne({ client, users }: GeneratorOptions, sent: Sent): void {
  const user = parseUserId(String(1 + Math.floor(Math.random() * users)));
  if (client.publish(userSubject(user), `{"sentUs":${nowUs()}}`) === "sent") sent.messages += 1;
  else sent.refused += 1;
}
