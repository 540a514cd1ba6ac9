// Partitions: a graph too large for one machine is divided by topic, and nats-server itself determines the
// partition of a topic. Its configuration maps `event.<topic>`, `user.<id>` and `graph.<verb>.<topic>` to
// `part.<p>.…`; this file writes that configuration and computes the same number. So a topic, its events and
// the requests about it meet in one partition.

import { BrokerError } from "./errors.ts";

/** More than any cluster needs, and few enough that messages can list partitions individually. */
export const MAX_PARTITIONS = 256;

/**
 * Maximum number of tokens in a topic. One more mapping covers deeper subjects, so that a service can refuse
 * them.
 */
const DEPTHS = [1, 2, 3, 4] as const;
const FNV_OFFSET = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;
const DOT = ".".charCodeAt(0);
const UNDIVIDED = `# Encke, undivided: the block stays, since a reload without it would keep the mappings that are in force.
mappings = {}
`;

/**
 * Returns the partition of a topic, from 0 to `of` − 1: FNV-1a (32 bits) over the bytes of its tokens, modulo
 * `of`, as `partition(of, 1, 2, …)` in nats-server's subject mappings computes it
 * (server/subject_transform.go; 2.9 and later).
 */
export function partitionOf(topic: string, of: number): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < topic.length; at += 1) {
    const byte = topic.charCodeAt(at); // the grammar is ASCII
    if (byte !== DOT) hash = Math.imul(hash ^ byte, FNV_PRIME);
  }
  return (hash >>> 0) % of;
}

/**
 * Returns the `mappings` block of nats-server's configuration for this many partitions; an empty block for
 * one partition. It belongs in the account of producers and services, on every server of a cluster. An
 * undivided graph needs the empty block, because nats-server 2.15 keeps its mappings when a reloaded
 * configuration lacks the block.
 * @throws BrokerError BAD_PARTITIONS
 */
export function partitionMappings(of: number): string {
  if (!Number.isInteger(of) || of < 1 || of > MAX_PARTITIONS) {
    throw new BrokerError(
      "BAD_PARTITIONS",
      `${of} partitions cannot be mapped: choose from 1 to ${MAX_PARTITIONS}`,
    );
  }
  if (of === 1) return UNDIVIDED;
  const lines = [["event"], ["graph", "*"]].flatMap((head) => [
    ...DEPTHS.map((depth) => mapping(head, depth, of, "")),
    mapping(head, DEPTHS.length, of, ".>"),
  ]);
  lines.push(mapping(["user"], 1, of, ""));
  return `# Encke, ${of} partitions: in the account of producers and services, on every server of the cluster.
mappings {
${lines.map((line) => `  ${line}\n`).join("")}}
`;
}

/** Returns one line: subjects with this head and this many tokens of a topic, or more if `rest` is true. */
function mapping(head: readonly string[], depth: number, of: number, rest: "" | ".>"): string {
  const wildcards = head.length - 1 + depth;
  const hashed = Array.from({ length: depth }, (_, index) => head.length + index);
  const from = [head[0], ...Array.from({ length: wildcards }, () => "*")].join(".");
  const to = [head[0], ...Array.from({ length: wildcards }, (_, index) => `{{wildcard(${index + 1})}}`)];
  return `"${from}${rest}": "part.{{partition(${[of, ...hashed].join(",")})}}.${to.join(".")}${rest}"`;
}
