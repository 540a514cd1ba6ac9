// The subject grammar: the only place that spells NATS subjects.
//
//   event.<topic>            something happened on a topic (1–4 tokens)
//   user.<id>                a message for one user (one token); only producers publish it
//   copy.<id>                the graph's copy of an event or a message for one user, for edges in `subject`
// mode
//   graph.<verb>.<name>      the graph's endpoints
//   part.<p>.<verb>          requests to the owner of partition p; an undivided graph is partition 0
//   presence.<edgeId>        presence of one edge
//   edge.<edgeId>            the graph's messages to one edge; edge.all is for every edge
//   edge.status              requests the state of each edge
//   part.<p>.event.…, part.<p>.user.…, part.<p>.graph.…   those subjects, as nats-server maps them to
// partitions
//   part.<p>.mark.<token>    the graph's marks in the stream of a partition's events
//   part.<p>.rows.…          requests between partitions' owners, for lists about a user
//   part.<p>.changes         the change log of partition p: only its stream stores it

import { quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";
import { parseTopic, parseUserId, type Topic, type UserId } from "./names.ts";
import { partitionOf } from "./partition.ts";

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

/** Prefix of the subjects of messages to one user, which is followed by the user id. */
const USER_PREFIX = "user.";
/** Prefix of the subjects of copies for one user, which is followed by the user id. */
export const COPY_PREFIX = "copy.";
/** Subjects to which the services subscribe. */
export const EVERY_PRESENCE = "presence.*";
export const EVERY_EDGE = "edge.all";
/**
 * Each edge replies to a request on this subject with its own state. Ids of edges are hexadecimal and never
 * equal it.
 */
export const EDGE_STATUS = "edge.status";

/** Prefixes of Encke's own subjects, on which its services reply. */
const OWN_HEADS = ["event.", USER_PREFIX, "graph.", "part.", EDGE_STATUS];

/** Subjects that services or NATS servers act on; nothing waits there for a reply. */
const RESERVED = /^(?:\$|(?:event|user|copy|graph|part|presence|edge)\.)/;

/** Tokens without blanks, dots, wildcards or control characters. */
const LITERAL = /^[^\s.*>\p{C}]+(?:\.[^\s.*>\p{C}]+)*$/u;
export function eventSubject(topic: Topic): string {
  return `event.${topic}`;
}

export function userSubject(user: UserId): string {
  return USER_PREFIX + user;
}

export function copySubject(user: UserId): string {
  return COPY_PREFIX + user;
}

export function graphSubject(verb: GraphVerb, name: Topic): string {
  return `graph.${verb}.${name}`;
}

/** The subject of every event, or of those of one partition. */
export function everyEvent(partition?: number): string {
  return `${prefixOf(partition)}event.>`;
}

/** Returns the subject of all messages to users, or of those in one partition. */
export function everyUserMessage(partition?: number): string {
  return `${prefixOf(partition)}user.*`;
}

/** The subject of one verb's endpoint, for every name or for those of one partition. */
export function graphEndpoint(verb: GraphVerb, partition?: number): string {
  return `${prefixOf(partition)}graph.${verb}.>`;
}

/** The subject on which one owner requests another's share of a list about this user. */
export function rowsSubject(partition: number, verb: GraphVerb, user: UserId): string {
  return `${prefixOf(partition)}rows.${verb}.${user}`;
}

/** The subject on which a partition's owner receives such requests. */
export function rowsEndpoint(partition: number): string {
  return `${prefixOf(partition)}rows.*.*`;
}

/** The subject of requests to the owner of a partition about all of it. */
export function partitionSubject(partition: number, verb: PartitionVerb): string {
  return `part.${partition}.${verb}`;
}

/** The subject on which edges ask the owner of a partition for what returning readers missed. */
export function replaySubject(partition: number): string {
  return `part.${partition}.replay`;
}

/** The subject of the records in a partition's change log. */
export function changesSubject(partition: number): string {
  return `part.${partition}.changes`;
}

/**
 * The subject on which edges in `subject` mode ask the owner of a partition for markers among their copies.
 */
export function markSubject(partition: number): string {
  return `part.${partition}.mark`;
}

/** The subject of a mark that a graph service puts between the events in a partition's stream. */
export function streamMarkSubject(partition: number, token: string): string {
  return `${markSubject(partition)}.${token}`;
}

/** What the stream of a partition captures: events, messages to users, and marks between them. */
export function capturedSubjects(partition: number, of: number): string[] {
  const mapped = of === 1 ? undefined : partition;
  return [everyEvent(mapped), everyUserMessage(mapped), streamMarkSubject(partition, "*")];
}

/** Reports whether services or NATS servers act on messages on a subject. */
export function isReserved(subject: string): boolean {
  return RESERVED.test(subject);
}

export function presenceSubject(edgeId: string): string {
  return `presence.${edgeId}`;
}

export function edgeSubject(edgeId: string): string {
  return `edge.${edgeId}`;
}

/**
 * Returns the topic of an `event.<topic>` subject, as published or as mapped to one of this many partitions.
 * @throws BrokerError BAD_TOPIC for wildcards, empty tokens and the like; BAD_PARTITIONS
 */
export function topicOfEvent(subject: string, partitions = 1): Topic {
  const { partition, rest } = splitPartition(subject);
  return inPartition(parseTopic(rest.slice("event.".length)), partition, partitions);
}

/**
 * Returns the user of a `user.<id>` subject, as published or as mapped to one of this many partitions.
 * @throws BrokerError BAD_USER, BAD_PARTITIONS
 */
export function userOfSubject(subject: string, partitions = 1): UserId {
  const { partition, rest } = splitPartition(subject);
  return inPartition(parseUserId(rest.slice(USER_PREFIX.length)), partition, partitions);
}

/**
 * Parses a subject that a person wants to publish on: events and users by our grammar, anything else (such as
 * a service of their own) by NATS' rules for literal subjects.
 * @throws BrokerError BAD_TOPIC, BAD_USER or BAD_SUBJECT
 */
export function parsePublishSubject(subject: string): string {
  if (subject.startsWith("event.")) return eventSubject(topicOfEvent(subject));
  if (subject.startsWith(USER_PREFIX)) return userSubject(userOfSubject(subject));
  if (LITERAL.test(subject)) return subject;
  throw new BrokerError(
    "BAD_SUBJECT",
    `${quote(subject)} is not a subject to publish on: use event.TOPIC or user.ID`,
  );
}

/**
 * Returns the name of a `graph.<verb>.<name>` subject, as published or as mapped.
 * @throws BrokerError BAD_TOPIC, BAD_PARTITIONS
 */
export function nameOfGraph(verb: GraphVerb, subject: string, partitions = 1): Topic {
  const { partition, rest } = splitPartition(subject);
  return inPartition(parseTopic(rest.slice("graph..".length + verb.length)), partition, partitions);
}

/**
 * Returns the parts of a `part.<p>.rows.<verb>.<user>` subject.
 * @throws BrokerError BAD_SUBJECT, BAD_USER
 */
export function parseRowsSubject(subject: string): { partition: number; verb: GraphVerb; user: UserId } {
  const { partition, rest } = splitPartition(subject);
  const [, verb = "", user = ""] = rest.split(".");
  if (partition === undefined || !isGraphVerb(verb)) {
    throw new BrokerError(
      "BAD_SUBJECT",
      `${quote(subject)} is not a request for rows: do all services run one release?`,
    );
  }
  return { partition, verb, user: parseUserId(user) };
}

/** Whether Encke's own services reply to requests on a subject. */
export function isOwnSubject(subject: string): boolean {
  return OWN_HEADS.some((head) => subject.startsWith(head));
}

function isGraphVerb(text: string): text is GraphVerb {
  return (GRAPH_VERBS as readonly string[]).includes(text);
}

function prefixOf(partition: number | undefined): string {
  return partition === undefined ? "" : `part.${partition}.`;
}

function splitPartition(subject: string): { partition: number | undefined; rest: string } {
  if (!subject.startsWith("part.")) return { partition: undefined, rest: subject };
  const end = subject.indexOf(".", "part.".length);
  return { partition: Number(subject.slice("part.".length, end)), rest: subject.slice(end + 1) };
}

/** Refuses a topic from another partition, whose owner would be bypassed. */
function inPartition<Name extends Topic>(topic: Name, partition: number | undefined, of: number): Name {
  if (partition === undefined || partition === partitionOf(topic, of)) return topic;
  throw new BrokerError(
    "BAD_PARTITIONS",
    `${quote(topic)} arrived in partition ${partition} but belongs to ${partitionOf(topic, of)} of ${of}: ` +
      `nats-server needs the mappings of \`encke broker --print-config --partitions ${of}\``,
  );
}
