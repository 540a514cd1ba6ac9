// Lists as long as one reply may be: the server's max_payload bounds a page as its `limit` does, and `next`
// says where the list goes on. Pure.

import { BrokerError, type Topic } from "../broker/contract.ts";
import { countFitting } from "../lib/fitting.ts";
import type { Page } from "./store/row-store.ts";

/** Of a reply beside its list, at most: two names, `next`, keys and numbers. */
const HEAD_BYTES = 1_024;
/** Quotes and a comma around a name in JSON. */
const AROUND_BYTES = 3;

/** As much of a page as fits into one reply. */
export function fitPage<P extends Page>(page: P, maxPayload: number): Page {
  const { names } = page;
  const count = countFitting(names, (name) => name.length + AROUND_BYTES, roomIn(maxPayload));
  return count === names.length ? page : { names: names.slice(0, count), next: names[count - 1] };
}

/** How many of these fit into one reply, as JSON. */
export function countFittingJson(items: readonly object[], maxPayload: number): number {
  return countFitting(items, (item) => JSON.stringify(item).length + 1, roomIn(maxPayload));
}

/**
 * Refuses a list of changes whose reply may not fit: it names those who are blocked, which may be all.
 * @throws BrokerError PAYLOAD_TOO_LARGE, before anything was changed
 */
export function checkChanges(topic: Topic, payload: string, maxPayload: number): void {
  const room = maxPayload - HEAD_BYTES;
  if (payload.length <= room) return;
  throw new BrokerError(
    "PAYLOAD_TOO_LARGE",
    `the changes of ${topic} take ${payload.length} bytes, and at most ${room} fit NATS' max_payload of ${maxPayload} ` +
      "in a reply: send fewer at once",
  );
}

function roomIn(maxPayload: number): { readonly bytes: number } {
  return { bytes: maxPayload - HEAD_BYTES };
}
