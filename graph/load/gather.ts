// Reads all follows of a source, checks each, and hands the good ones on as ids; the others are counted, and the first
// of them kept to be shown. Owned by one load or check.

import { isTopic, isUserId } from "../../broker/contract.ts";
import { quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import { Partitions } from "../partitions.ts";
import { FollowParser, type Name } from "./follow-parser.ts";
import { type FollowSource, nameOf, readBytes } from "./follow-source.ts";

export const LOAD_KINDS = ["friendships", "subscriptions"] as const;
/** `friendships`: A and B follow each other. `subscriptions`: the first follows the second. */
export type LoadKind = (typeof LOAD_KINDS)[number];

/** Bad lines shown one by one; the others are counted. */
const SHOWN_BAD_LINES = 10;

/**
 * Names that the grammar allows and that are mistakes in a file of friendships: what a sentinel or an overflow leaves.
 * Subscriptions are what an export holds, with whatever names the service took.
 */
const IMPLAUSIBLE: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^-[0-9]+$/, why: "is a negative number" },
  { pattern: /^[0-9]{20,}$/, why: "is a number of over 19 digits" },
];

export interface GatherOptions {
  readonly kind: LoadKind;
  /** Only follows whose topic is in one of these are handed on; all where absent. */
  readonly partitions?: Partitions;
  /** Stop at the first line that is not an follow instead of leaving it out. */
  readonly strict?: boolean | undefined;
  /** Whether a source without an follow is right, too. */
  readonly mayBeEmpty?: boolean;
  /** Stops the reading. */
  readonly signal?: AbortSignal | undefined;
  /** The id of a name that is no short decimal. */
  readonly intern: (name: string) => number;
  readonly add: (from: number, to: number) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Gathered {
  readonly lines: number;
  readonly selfFollows: number;
  readonly badLines: number;
  /** Follow relations left out because their topic is in another partition. */
  readonly elsewhere: number;
  /** The first of the bad lines, as `file:line: why`. */
  readonly shown: readonly string[];
}

/** @throws GraphError BAD_FOLLOWS_FILE where it cannot be read, is no text, holds no follow (and must), or a bad line with `strict` */
export async function gatherFollows(source: FollowSource, options: GatherOptions): Promise<Gathered> {
  const { kind, partitions = Partitions.whole, strict, signal, intern, add } = options;
  const name = nameOf(source);
  const shown: string[] = [];
  let follows = 0;
  let selfFollows = 0;
  let badLines = 0;
  let elsewhere = 0;
  const idOf = (given: Name): number => (typeof given === "number" ? given : intern(given));
  /** One way, where only some topics are ours. */
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
        `${report}; mend it, or load without --strict to leave it out`,
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
    onEdge(left, right) {
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
      throw new GraphError("LOAD_STOPPED", `stopped while reading ${name}: the graph is as before`);
    }
  }
  parser.end();
  if (follows === 0 && options.mayBeEmpty !== true) {
    const first = shown[0] === undefined ? "" : ` (${shown[0]})`;
    throw new GraphError(
      "BAD_FOLLOWS_FILE",
      `${name} holds no follow in ${parser.lines} lines${first}: expected "A B" a line`,
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
