// Names of topics and users, and the only file that creates the branded types. Text from outside is a plain
// string until a parser here accepts it; a Topic or a UserId is safe to build subjects with. At most 259
// characters.

import { quote } from "../lib/errors.ts";
import { BrokerError } from "./errors.ts";

declare const topicBrand: unique symbol;
declare const userBrand: unique symbol;

/** 1–4 tokens of [A-Za-z0-9_-], each 1–64 characters long, joined by dots. */
export type Topic = string & { readonly [topicBrand]: true };
/** A topic of one token: each user is also a topic, which reaches that user. */
export type UserId = Topic & { readonly [userBrand]: true };

const TOKEN = "[A-Za-z0-9_-]{1,64}";
const USER = new RegExp(`^${TOKEN}$`);
const TOPIC = new RegExp(`^${TOKEN}(?:\\.${TOKEN}){0,3}$`);
const GRAMMAR = "A-Z a-z 0-9 _ - (at most 64 characters)";

export function isUserId(text: string): text is UserId {
  return USER.test(text);
}

export function isTopic(text: string): text is Topic {
  return TOPIC.test(text);
}

/**
 * Parses a user id.
 * @throws BrokerError BAD_USER
 */
export function parseUserId(text: string): UserId {
  if (isUserId(text)) return text;
  throw new BrokerError("BAD_USER", `${quote(text)} is not a user id: use one token of ${GRAMMAR}`);
}

/**
 * Parses a topic.
 * @throws BrokerError BAD_TOPIC
 */
export function parseTopic(text: string): Topic {
  if (isTopic(text)) return text;
  throw new BrokerError(
    "BAD_TOPIC",
    `${quote(text)} is not a topic: use 1 to 4 tokens of ${GRAMMAR}, joined by dots`,
  );
}

/**
 * Brands a name that `parseUserId` accepted before it was stored as text (in a row of the graph, or in the
 * native pool's table). It is not checked again, because the fan-out does this for each recipient of each
 * event.
 */
export function storedUserId(text: string): UserId {
  return text as UserId;
}

/** Brands a topic that `parseTopic` accepted before it was stored. It is not checked again. */
export function storedTopic(text: string): Topic {
  return text as Topic;
}

/** Returns the user that a topic reaches even without followers; undefined for a topic of several tokens. */
export function ownerOf(topic: Topic): UserId | undefined {
  return isUserId(topic) ? topic : undefined;
}
