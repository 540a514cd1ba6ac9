// Reads all follows of a source, checks each, and passes valid ones on as ids. Counts the others and keeps
// the first few to be shown. Belongs to a single load or check.

import { isTopic, isUserId } from "../../broker/contract.ts";
import { quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { Partitions } from "../partitions.ts";
import { FollowParser, type Name } from "./follow-parser.ts";
import { type FollowSource, nameOf, readBytes } from "./follow-source.ts";

export const LOAD_KINDS = ["friendships", "subscriptions"] as const;
/** `friendships`: A and B follow each other. `subscriptions`: the first follows the second. */
export type LoadKind = (typeof LOAD_KINDS)[number];

/** The number of bad lines that are shown. Others are only counted. */
const SHOWN_BAD_LINES = 10;

/**
 * Names that the grammar permits but that are mistakes in a file of friendships, such as a sentinel or an
 * overflow. Not checked for subscriptions, because an export contains any name that the service accepted.
 */
const IMPLAUSIBLE: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^-[0-9]+$/, why: "is a negative number" },
  { pattern: /^[0-9]{20,}$/, why: "is a number of over 19 digits" },
];

export interface GatherOptions {
  readonly kind: LoadKind;
  /** Passes on only follows whose topic is in one of these partitions. Defaults to the whole graph. */
  readonly partitions?: Partitions;
  /** Stops at the first line that is not a follow instead of leaving it out. */
  readonly strict?: boolean | undefined;
  /** Accepts a source without any follow. */
  readonly mayBeEmpty?: boolean;
  /** Aborts the reading. */
  readonly signal?: AbortSignal | undefined;
  /** Returns the id of a name that is not a short decimal. */
  readonly intern: (name: string) => number;
  readonly add: (from: number, to: number) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Gathered {
  readonly lines: number;
  readonly selfFollows: number;
  readonly badLines: number;
  /** The number of follows left out because their topic is in another partition. */
  readonly elsewhere: number;
  /** The first bad lines, as `file:line: why`. */
  readonly shown: readonly string[];
}

/**
 * @throws GraphError BAD_FOLLOWS_FILE if the source cannot be read, is not text, has no follow although it
 * must, or has a bad line and `strict` is set
 */
export async function gatherFollows(source: FollowSource, options: GatherOptions): Promise<Gathered> {
  const { kind, partitions = Partitions.whole, strict, signal, intern, add } = options;
  const name = nameOf(source);
  const shown: string[] = [];
  let follows = 0;
  let selfFollows = 0;
  let badLines = 0;
  let elsewhere = 0;
  const idOf = (given: Name): number => (typeof given === "number" ? given : intern(given));
  /** Adds one direction of a follow if its topic is in our partitions. */
  const takeOwned = (subscriber: Name, topic: Name): void => {
    if (partitions.owns(String(topic))) add(idOf(subscriber), idOf(topic));
    else elsewhere += 1;
  };
  const take = (left: Name, right: Name): void => {
    follows += 1;
    if (partitions.of === 1) return add(idOf(left), idOf(right));
    takeOwned(left, right);
    if (kind === "friendships") takeOwned(right, left);
  };
  const onBadLine = (line: number, why: string): void => {
    badLines += 1;
    const report = `${name}:${line}: ${why}`;
    if (strict === true) {
      throw new GraphError(
        "BAD_FOLLOWS_FILE",
        `${report}; correct it, or load without --strict to leave it out`,
      );
    }
    if (shown.length < SHOWN_BAD_LINES) shown.push(report);
  };
  if ("newcomers" in source) {
    for (const { id, friends } of source.newcomers) {
      for (let i = 0; i < friends.length; i += 1) take(friends[i] as number, id);
    }
    return { lines: follows, selfFollows, badLines, elsewhere, shown };
  }
  const anyName = kind === "subscriptions";
  const secondKind = kind === "friendships" ? "user" : "topic";
  const parser = new FollowParser({
    name,
    onBadLine,
    onFollow(left, right) {
      if (typeof left !== "number" || typeof right !== "number") {
        const problem = problemOf(left, "user", anyName) ?? problemOf(right, secondKind, anyName);
        if (problem !== undefined) return onBadLine(parser.lines, problem);
      }
      if (left === right) {
        selfFollows += 1;
        return;
      }
      take(left, right);
    },
  });
  for await (const piece of readBytes(source, (done, total) => options.onProgress?.(done, total))) {
    parser.push(piece);
    if (signal?.aborted === true) {
      throw new GraphError("LOAD_STOPPED", `stopped while reading ${name}: the graph is unchanged`);
    }
  }
  parser.end();
  if (follows === 0 && options.mayBeEmpty !== true) {
    const first = shown[0] === undefined ? "" : ` (${shown[0]})`;
    throw new GraphError(
      "BAD_FOLLOWS_FILE",
      `${name} contains no follow in ${parser.lines} lines${first}: expected "A B" per line`,
    );
  }
  return { lines: parser.lines, selfFollows, badLines, elsewhere, shown };
}

function problemOf(name: Name, kind: "user" | "topic", anyName: boolean): string | undefined {
  if (typeof name === "number") return undefined;
  if (!(kind === "user" ? isUserId(name) : isTopic(name))) {
    return `${quote(name)} is not a ${kind === "user" ? "user id" : "topic"}`;
  }
  const found = anyName ? undefined : IMPLAUSIBLE.find(({ pattern }) => pattern.test(name));
  return found === undefined ? undefined : `${quote(name)} ${found.why}`;
}
