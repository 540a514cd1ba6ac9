// The article's message generators: a number of senders, each with a steady interval, send each message to a
// random user. They follow a fixed schedule, so the rate holds for hours. A sender that was delayed catches
// up with at most one second of messages.

import { setTimeout as delay } from "node:timers/promises";
import { parseUserId, userSubject } from "../../broker/contract.ts";
import type { BrokerClient } from "../../broker/index.ts";
import { nowUs } from "../flood/latency.ts";

const TICK_MS = 5;
const MAX_BEHIND_MS = 1_000;
/** Interval at which the generators check that the broker keeps up; until it does, nothing more is sent. */
const FLUSH_MS = 1_000;

export interface GeneratorOptions {
  readonly client: BrokerClient;
  readonly generators: number;
  /** Messages per second, of all senders together. */
  readonly rate: number;
  /** Recipients are the users 1 … users. */
  readonly users: number;
  readonly signal: AbortSignal;
}

export interface Sent {
  messages: number;
  /** Messages that were not sent because NATS was unreachable or refused their size. */
  refused: number;
}

/** Sends until the signal, and counts in `sent`. Resolves when the broker has received the last message. */
export async function generate(options: GeneratorOptions, sent: Sent): Promise<void> {
  const { client, generators, rate, signal } = options;
  const pauseMs = (generators * 1000) / rate;
  const startedAtMs = performance.now();
  // spread over time, so that they do not all send at once
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
      await client.flush().catch(() => {}); // NATS is unreachable: counted in `refused`
      flushAtMs = nowMs + FLUSH_MS;
    }
    await delay(TICK_MS, undefined, { signal }).catch(() => {}); // aborted: the loop's condition ends it
  }
  await client.flush().catch(() => {}); // NATS is unreachable: the counts show what was lost
}

function sendOne({ client, users }: GeneratorOptions, sent: Sent): void {
  const user = parseUserId(String(1 + Math.floor(Math.random() * users)));
  if (client.publish(userSubject(user), `{"sentUs":${nowUs()}}`) === "sent") sent.messages += 1;
  else sent.refused += 1;
}
