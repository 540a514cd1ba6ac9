// Truncates lists so that a reply fits the server's max_payload. A truncated page has a `next`, as a page
// that reached its `limit` does. Pure functions.

import { BrokerError, countFitting, type Topic } from "../broker/contract.ts";
import type { Page } from "./store/row-store.ts";

/** The maximum size of a reply without its list: two names, `next`, keys and numbers. */
const HEAD_BYTES = 1_024;
/** The quotation marks and the comma around a name in JSON. */
const AROUND_BYTES = 3;

/** Returns as much of a page as fits into one reply. */
export function fitPage<P extends Page>(page: P, maxPayload: number): Page {
  const { names } = page;
  const count = countFitting(names, (name) => name.length + AROUND_BYTES, spaceIn(maxPayload));
  return count === names.length ? page : { names: names.slice(0, count), next: names[count - 1] };
}

/** Returns how many of these items fit into one reply as JSON. */
export function countFittingJson(items: readonly object[], maxPayload: number): number {
  return countFitting(items, (item) => JSON.stringify(item).length + 1, spaceIn(maxPayload));
}

/**
 * Refuses a list of changes if the reply might not fit, since the reply names every blocked subscriber.
 * @throws BrokerError PAYLOAD_TOO_LARGE before anything is changed
 */
export function checkChanges(topic: Topic, payload: string, maxPayload: number): void {
  const max = maxPayload - HEAD_BYTES;
  if (payload.length <= max) return;
  throw new BrokerError(
    "PAYLOAD_TOO_LARGE",
    `the changes of ${topic} take ${payload.length} bytes, but a reply within NATS' max_payload of ${maxPayload} holds at most ${max}: ` +
      "send fewer changes per request",
  );
}

function spaceIn(maxPayload: number): { readonly bytes: number } {
  return { bytes: maxPayload - HEAD_BYTES };
}
