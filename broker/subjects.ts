// The subject grammar: the only place where NATS subjects are spelled. Whatever comes from outside is a plain
// string until it went through a parser here; what comes out is a Topic or a UserId and safe to build with.
//
//   event.<topic>            something happened on a topic (1–4 tokens)
//   user.<id>                a message for one user (one token)
//   graph.<verb>.<name>      the graph's endpoints
//   part.<p>.<verb>          what is asked of the owner of partition p as a whole; an undivided graph is partition 0
//   presence.<edgeId>        an edge says that it lives
//   edge.<edgeId>            what the graph tells one edge; edge.all is for every edge

import { quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";

declare const topicBrand: unique symbol;
declare const userBrand: unique symbol;

/** 1–4 tokens of [A-Za-z0-9_-], each of 1–64 characters, joined by dots. */
export type Topic = string & { readonly [topicBrand]: true };
/** A topic of one token: every user is a topic that reaches themself. */
export type UserId = Topic & { readonly [userBrand]: true };

export const GRAPH_VERBS = [
  "subscribers",
  "subscriptions",
  "mutual",
  "count",
  "muted",
  "blocked",
  "subscribe",
  "unsubscribe",
  "block",
  "unblock",
  "mute",
  "unmute",
  "online",
  "audit",
] as const;
export type GraphVerb = (typeof GRAPH_VERBS)[number];

export const PARTITION_VERBS = ["audit", "backup"] as const;
export type PartitionVerb = (typeof PARTITION_VERBS)[number];

/** Subscriptions of the services. */
export const EVERY_EVENT = "event.>";
export const EVERY_USER = "user.*";
export const EVERY_PRESENCE = "presence.*";
export const EVERY_EDGE = "edge.all";

const TOKEN = "[A-Za-z0-9_-]{1,64}";
const USER = new RegExp(`^${TOKEN}$`);
const TOPIC = new RegExp(`^${TOKEN}(?:\\.${TOKEN}){0,3}$`);
/** Tokens without blanks, dots, wildcards or control characters. */
const LITERAL = /^[^\s.*>\p{C}]+(?:\.[^\s.*>\p{C}]+)*$/u;
const GRAMMAR = "A-Z a-z 0-9 _ - (at most 64 characters)";

export function isUserId(text: string): text is UserId {
  return USER.test(text);
}

export function isTopic(text: string): text is Topic {
  return TOPIC.test(text);
}

/** @throws BrokerError BAD_USER */
export function parseUserId(text: string): UserId {
  if (isUserId(text)) return text;
  throw new BrokerError("BAD_USER", `${quote(text)} is not a user id: use one token of ${GRAMMAR}`);
}

/** @throws BrokerError BAD_TOPIC */
export function parseTopic(text: string): Topic {
  if (isTopic(text)) return text;
  throw new BrokerError(
    "BAD_TOPIC",
    `${quote(text)} is not a topic: use 1 to 4 tokens of ${GRAMMAR}, joined by dots`,
  );
}

/** The user whom a topic reaches by itself: only a topic of one token is somebody's. */
export function ownerOf(topic: Topic): UserId | undefined {
  return isUserId(topic) ? topic : undefined;
}

export function eventSubject(topic: Topic): string {
  return `event.${topic}`;
}

export function userSubject(user: UserId): string {
  return `user.${user}`;
}

export function graphSubject(verb: GraphVerb, name: Topic): string {
  return `graph.${verb}.${name}`;
}

/** The subject on which the endpoint of one verb listens. */
export function graphEndpoint(verb: GraphVerb): string {
  return `graph.${verb}.>`;
}

/** Where the owner of a partition is asked about all of it. */
export function partitionSubject(partition: number, verb: PartitionVerb): string {
  return `part.${partition}.${verb}`;
}

export function presenceSubject(edgeId: string): string {
  return `presence.${edgeId}`;
}

export function edgeSubject(edgeId: string): string {
  return `edge.${edgeId}`;
}

/** The topic of an `event.<topic>` subject. @throws BrokerError BAD_TOPIC for wildcards, empty tokens and the like */
export function topicOfEvent(subject: string): Topic {
  return parseTopic(subject.slice("event.".length));
}

/** The user of a `user.<id>` subject. @throws BrokerError BAD_USER */
export function userOfSubject(subject: string): UserId {
  return parseUserId(subject.slice("user.".length));
}

/**
 * A subject that a person wants to publish on: events and users by our grammar, anything else (a service of their own)
 * by NATS' rules for literal subjects.
 * @throws BrokerError BAD_TOPIC, BAD_USER or BAD_SUBJECT
 */
export function parsePublishSubject(subject: string): string {
  if (subject.startsWith("event.")) return eventSubject(topicOfEvent(subject));
  if (subject.startsWith("user.")) return userSubject(userOfSubject(subject));
  if (LITERAL.test(subject)) return subject;
  throw new BrokerError(
    "BAD_SUBJECT",
    `${quote(subject)} is not a subject to publish on: use event.TOPIC or user.ID`,
  );
}

/** The name of a `graph.<verb>.<name>` subject. @throws BrokerError BAD_TOPIC */
export function nameOfGraph(verb: GraphVerb, subject: string): Topic {
  return parseTopic(subject.slice("graph..".length + verb.length));
}
