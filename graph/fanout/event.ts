// An event or a direct message on its way from the history to the edges.

import { formatEventId, storedTopic, storedUserId, type Topic, type UserId } from "../../broker/contract.ts";
import type { StoredRow } from "../history/history.ts";
import { ROW_KIND } from "../history/row.ts";
import type { Position } from "../history/sequences.ts";

/** Addressed to every follower of a topic and to the topic's author. */
export type ForFollowers = { readonly topic: Topic };
/** Addressed to one user, directly by a producer. */
export type ForUser = { readonly user: UserId };

export type OutgoingEvent = EventTo<ForFollowers> | EventTo<ForUser>;

export interface EventTo<To> extends Position {
  /** The ordinal of its row in the history. */
  readonly ordinal: number;
  readonly to: To;
  readonly id: string;
  /** The partition of the topic or the user. */
  readonly partition: number;
  /** When it was accepted, in milliseconds since 1970. */
  readonly timeMs: number;
  /** The event as it is written to streams. A view of the history's memory, unless `kept` made a copy. */
  readonly json: Uint8Array;
  /** True if the sender waits for a count. The event is then sent at once and in messages of its own. */
  readonly counted: boolean;
  /** The subject to which the sender's reply is sent. */
  readonly reply: string | undefined;
  /**
   * Ids of the edges that receive copies of a counted event and can therefore count deliveries. Filled during
   * fan-out.
   */
  readonly asked: Set<string>;
}

/** The work that sending an event, or a part of it, causes at the edges. */
export interface DeliveryCost {
  readonly messages: number;
  readonly bytes: number;
}

export const NO_COST: DeliveryCost = { messages: 0, bytes: 0 };
export const NO_FOLLOWERS: Uint32Array = new Uint32Array(0);

/** Shared by all events that are not counted: nothing is added to it. */
const NOBODY_ASKED = new Set<string>();

/**
 * Creates an event from its row, which holds an event or a direct message. Like the row, it is valid only
 * until the next turn of the event loop. Runs for every event, so it creates one object and copies nothing.
 */
export function outgoingEvent(ordinal: number, row: StoredRow, reply: string | undefined): OutgoingEvent {
  const { kind, name, partition, epoch, sequence, timeMs, body } = row;
  const counted = reply !== undefined;
  return {
    ordinal,
    to: kind === ROW_KIND.direct ? { user: storedUserId(name) } : { topic: storedTopic(name) },
    id: formatEventId(row),
    partition,
    epoch,
    sequence,
    timeMs,
    json: body,
    counted,
    reply,
    asked: counted ? new Set() : NOBODY_ASKED,
  } as OutgoingEvent;
}

/** Returns an event that stays valid. */
export function kept<E extends OutgoingEvent>(event: E): E {
  return { ...event, json: event.json.slice() };
}

export function isForFollowers(event: OutgoingEvent): event is EventTo<ForFollowers> {
  return "topic" in event.to;
}

export function isForUser(event: OutgoingEvent): event is EventTo<ForUser> {
  return "user" in event.to;
}
