// The bulk loader: an edge list becomes rows. The whole file is read and checked before the first row is written, so
// a file that cannot be used leaves the graph as it was. While rows are written a mark stands in the database; a
// crash leaves it there, and the graph is not served until the same load has run again (it adds what is missing).

import { createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { isTopic, isUserId, type Topic } from "../../broker/contract.ts";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import type { Newcomer } from "../generate.ts";
import { Partitions } from "../partitions.ts";
import { numberOperation, openDatabase, readNumber } from "../store/database.ts";
import { keepPartitions } from "../store/kept-partitions.ts";
import { followersKey, META, subscriptionsKey } from "../store/keys.ts";
import { type NameBatch, Names } from "../store/names.ts";
import { type Operation, RowEditor } from "../store/row-editor.ts";
import type { Read } from "../store/row-reader.ts";
import { EdgeList, type Rows } from "./edge-list.ts";
import { EdgeParser, type Name } from "./edge-parser.ts";

export const LOAD_KINDS = ["friendships", "subscriptions"] as const;
/** `friendships`: A and B follow each other. `subscriptions`: the first follows the second. */
export type LoadKind = (typeof LOAD_KINDS)[number];

/** Rows written as one batch: more only costs memory. */
const BATCH_OPERATIONS = 4_000;
/** Bad lines shown one by one; the others are counted. */
const SHOWN_BAD_LINES = 10;

export interface LoadOptions {
  readonly directory: string;
  readonly kind: LoadKind;
  /** Only edges whose topic is in one of these are taken; all where absent. */
  readonly partitions?: Partitions;
  /** Stop at the first line that is not an edge instead of leaving it out. */
  readonly strict?: boolean;
  /** Work done and to do: bytes read, then rows written. */
  readonly onProgress?: (phase: "reading" | "writing", done: number, total: number) => void;
}

export interface LoadReport {
  /** Follow relations that are new in the graph. */
  readonly added: number;
  /** Follow relations in the graph now. */
  readonly edges: number;
  readonly lines: number;
  readonly selfEdges: number;
  readonly badLines: number;
  /** Follow relations left out because their topic is in another partition. */
  readonly elsewhere: number;
  /** The first of the bad lines, as `file:line: why`. */
  readonly shown: readonly string[];
}

/** Where edges come from: a file (`.gz` works), a stream, or a graph generated on the spot. */
export type EdgeSource =
  | { readonly path: string }
  | { readonly stream: Readable; readonly name: string }
  | { readonly name: string; readonly newcomers: Iterable<Newcomer> };

/**
 * Adds the edges of a source to the graph in a directory.
 * @throws GraphError BAD_EDGE_FILE (and the graph is as before), GRAPH_DIR_BUSY, GRAPH_DIR_FOREIGN,
 *   GRAPH_OTHER_PARTITIONS, GRAPH_DAMAGED
 */
export async function loadEdges(source: EdgeSource, options: LoadOptions): Promise<LoadReport> {
  const { db, release } = await openDatabase(options.directory);
  const { partitions = Partitions.whole } = options;
  try {
    await keepPartitions(db, options.directory, partitions);
    const read: Read = (key) => db.getSync(key);
    const names = new Names(read).batch();
    const gathered = await gather(source, options, names);
    const { edges: list, lines } = gathered;
    if (list.length === 0 && gathered.elsewhere === 0) {
      throw new GraphError(
        "BAD_EDGE_FILE",
        `${gathered.name} holds no edge in ${lines} lines${firstOf(gathered.shown)}: expected "A B" a line`,
      );
    }
    const write = (operations: Operation[], sync = false): Promise<void> => db.batch(operations, { sync });
    await write([{ type: "put", key: META.loading, value: new TextEncoder().encode(gathered.name) }], true);
    await write(names.operations());
    const { forward, backward } = list.buildRows(isMutual(options));
    const total = forward.size + backward.size;
    const progressFrom = (start: number) => (done: number) =>
      options.onProgress?.("writing", start + done, total);
    // an edge is "subscriber topic": forward rows are what somebody follows
    await writeRows(forward, subscriptionsKey, read, write, progressFrom(0));
    const added = await writeRows(backward, followersKey, read, write, progressFrom(forward.size));
    const edges = readNumber(read, META.edges) + added;
    await write([numberOperation(META.edges, edges), { type: "del", key: META.loading }], true);
    return {
      added,
      edges,
      lines,
      selfEdges: gathered.selfEdges,
      badLines: gathered.badLines,
      elsewhere: gathered.elsewhere,
      shown: gathered.shown,
    };
  } finally {
    await db.close();
    release();
  }
}

interface Gathered {
  readonly name: string;
  readonly edges: EdgeList;
  readonly lines: number;
  readonly selfEdges: number;
  readonly badLines: number;
  readonly elsewhere: number;
  readonly shown: readonly string[];
}

async function gather(source: EdgeSource, options: LoadOptions, names: NameBatch): Promise<Gathered> {
  const { kind, strict, onProgress, partitions = Partitions.whole } = options;
  const edges = new EdgeList();
  const shown: string[] = [];
  const name = "path" in source ? source.path : source.name;
  let selfEdges = 0;
  let badLines = 0;
  let elsewhere = 0;
  /** Each way by itself where only some topics are ours. */
  const addOwned = (subscriber: Name, topic: Name): void => {
    if (partitions.owns(String(topic) as Topic)) edges.add(idOf(subscriber, names), idOf(topic, names));
    else elsewhere += 1;
  };
  const add = (left: Name, right: Name): void => {
    if (partitions.of === 1) return edges.add(idOf(left, names), idOf(right, names));
    addOwned(left, right);
    if (kind === "friendships") addOwned(right, left);
  };
  if ("newcomers" in source) {
    for (const { id, friends } of source.newcomers) for (const friend of friends) add(friend, id);
    return { name, edges, lines: edges.length, selfEdges, badLines, elsewhere, shown };
  }
  const onBadLine = (line: number, why: string): void => {
    badLines += 1;
    const report = `${name}:${line}: ${why}`;
    if (strict === true)
      throw new GraphError("BAD_EDGE_FILE", `${report}; mend it, or load without --strict to leave it out`);
    if (shown.length < SHOWN_BAD_LINES) shown.push(report);
  };
  const parser = new EdgeParser({
    onBadLine,
    onEdge: (left, right) => {
      if (left === right) {
        selfEdges += 1;
        return;
      }
      const problem = problemOf(left, "user") ?? problemOf(right, kind === "friendships" ? "user" : "topic");
      if (problem !== undefined) return onBadLine(parser.lines, problem);
      add(left, right);
    },
  });
  await feed(parser, source, name, onProgress);
  return { name, edges, lines: parser.lines, selfEdges, badLines, elsewhere, shown };
}

async function feed(
  parser: EdgeParser,
  source: { readonly path: string } | { readonly stream: Readable },
  name: string,
  onProgress: LoadOptions["onProgress"],
): Promise<void> {
  let file: Readable;
  let total = 0;
  let done = 0;
  try {
    total = "path" in source ? statSync(source.path).size : 0;
    file = "path" in source ? createReadStream(source.path, { highWaterMark: 1_048_576 }) : source.stream;
    file.on("data", (chunk: Uint8Array) => {
      done += chunk.length;
    });
    const bytes = name.endsWith(".gz") ? file.pipe(createGunzip()) : file;
    file.on("error", (error) => bytes.destroy(error));
    for await (const chunk of bytes) {
      parser.push(chunk as Uint8Array);
      onProgress?.("reading", done, total);
    }
    parser.end();
  } catch (cause) {
    if (cause instanceof GraphError) throw cause;
    const remedy =
      codeOf(cause) === "ENOENT" ? "check the path" : "is it complete, and compressed as its name says?";
    throw new GraphError("BAD_EDGE_FILE", `${quote(name)} cannot be read (${messageOf(cause)}): ${remedy}`, {
      cause,
    });
  }
}

async function writeRows(
  rows: Rows,
  keyOf: (id: number) => string,
  read: Read,
  write: (operations: Operation[]) => Promise<void>,
  onProgress: (done: number) => void,
): Promise<number> {
  let operations: Operation[] = [];
  let added = 0;
  let done = 0;
  for (const id of rows.ids()) {
    const ids = rows.row(id);
    const editor = new RowEditor(keyOf(id), read);
    added += editor.addAll(ids);
    done += ids.length;
    for (const operation of editor.operations()) operations.push(operation);
    if (operations.length >= BATCH_OPERATIONS) {
      await write(operations);
      operations = [];
      onProgress(done);
    }
  }
  await write(operations);
  return added;
}

/** Whether an edge counts both ways. Where only some topics are taken, each way stands for itself. */
function isMutual({ kind, partitions = Partitions.whole }: LoadOptions): boolean {
  return kind === "friendships" && partitions.of === 1;
}

function problemOf(name: Name, kind: "user" | "topic"): string | undefined {
  if (typeof name === "number") return undefined;
  if (kind === "user") return isUserId(name) ? undefined : `${quote(name)} is not a user id`;
  return isTopic(name) ? undefined : `${quote(name)} is not a topic`;
}

function idOf(name: Name, names: NameBatch): number {
  return typeof name === "number" ? name : names.intern(name);
}

function firstOf(shown: readonly string[]): string {
  return shown[0] === undefined ? "" : ` (${shown[0]})`;
}
