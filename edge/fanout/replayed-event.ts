// An event of a replay, whose id is read from its JSON: the id is the first member.

import { type EventPosition, parseEventId } from "../../broker/contract.ts";

const ID_AT = '{"id":"'.length;

export interface ReplayedEvent {
  readonly id: string;
  readonly json: string;
  readonly at: EventPosition;
}

/** Returns undefined for a text that is not an encoded event. */
export function replayedEvent(json: string): ReplayedEvent | undefined {
  const id = json.slice(ID_AT, json.indexOf('"', ID_AT));
  const at = parseEventId(id);
  return at && { id, json, at };
}
