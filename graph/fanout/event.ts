// An event on its way through the graph service, from the entry to the edges.

import type { Topic, UserId } from "../../broker/contract.ts";

/** Addressed to every follower of a topic and to the topic's author. */
export type ForFollowers = { readonly topic: Topic };
/** Addressed to one user, directly by a producer. */
export type ForUser = { readonly user: UserId };

/**
 * A valid event that waits for its fan-out. It gets its id when that begins, so ids follow the order of
 * sending.
 */
export interface AcceptedEvent<To = ForFollowers | ForUser> {
  readonly to: To;
  readonly payload: Uint8Array;
  /** When it arrived. */
  readonly time: Date;
  /** The subject on which its sender waits for the count of recipients. */
  readonly reply: string | undefined;
}

/** An event that is being sent. */
export interface OutgoingEvent {
  readonly id: string;
  /** The partition that issued the id: that of the topic, or of the user. */
  readonly partition: number;
  /** The event as it is written to streams. */
  readonly json: Uint8Array;
  /** The sender waits for a count, so the event is sent at once and in messages of its own. */
  readonly counted: boolean;
  /** Ids of the edges that receive copies and can therefore count deliveries. Filled by the fan-out. */
  readonly asked: Set<string>;
}

/** The work that sending an event, or a part of it, causes at the edges. */
export interface DeliveryCost {
  readonly messages: number;
  readonly bytes: number;
}

export const NO_COST: DeliveryCost = { messages: 0, bytes: 0 };
export const NO_FOLLOWERS: Uint32Array = new Uint32Array(0);

export function isForFollowers(event: AcceptedEvent): event is AcceptedEvent<ForFollowers> {
  return "topic" in event.to;
}

export function isForUser(event: AcceptedEvent): event is AcceptedEvent<ForUser> {
  return "user" in event.to;
}
