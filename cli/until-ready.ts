// Waiting for a service that this program has started, until its admin port answers /readyz, for two minutes at most.

import { setTimeout as delay } from "node:timers/promises";
import { CliError } from "./errors.ts";

/** Reading a graph of fifteen million edges takes some seconds, starting 55 workers a minute. */
const READY_MS = 120_000;
const LOOK_MS = 100;
const ANSWER_MS = 1_000;

/** @throws CliError CHECK_FAILED after two minutes; AbortError on Ctrl-C */
export async function untilReady(what: string, admin: URL, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + READY_MS;
  while (performance.now() < deadlineMs) {
    const ready = await fetch(new URL("/readyz", admin), { signal: AbortSignal.timeout(ANSWER_MS) }).then(
      (response) => response.ok,
      () => false, // nobody listens yet
    );
    if (ready) return;
    await delay(LOOK_MS, undefined, { signal });
  }
  throw new CliError(
    "CHECK_FAILED",
    `${what} was not ready after ${READY_MS / 1_000} s: run it alone with --log-level info to see why`,
  );
}
