// The change log of one partition: a JetStream stream on three nodes. A write takes effect when the leading
// node and one other have it. A leading node that loses the others still believes that it leads, and replies
// to reads, for 10 to 20 seconds; meanwhile the others elect another one.

import type { LeadershipRecord, Random } from "../../../graph/index.ts";
import { type Network, NODES } from "./network.ts";

/** How long the nodes take to elect another leader. */
const MIN_ELECTION_MS = 1_500;
const ELECTION_MS = 4_000;
/** How long a node that lost the others believes that it leads. */
const MIN_BELIEF_MS = 10_000;
const BELIEF_MS = 10_000;

/** A change records its effect, not the request for it. */
export interface ChangeRecord {
  readonly kind: "change";
  readonly term: number;
  readonly user: number;
  readonly topic: number;
  readonly on: boolean;
  /** How often the follow has ended, this time included. */
  readonly endings: number;
}

export type LogRecord =
  | Extract<LeadershipRecord, { kind: "term" }>
  | ChangeRecord
  | { readonly kind: "check"; readonly term: number };

export class ReplicatedLog {
  readonly #network: Network;
  readonly #random: Random;
  readonly #onWritten: (record: LogRecord) => void;
  readonly #records: LogRecord[] = [];
  /** The number of records that each node has. */
  readonly #copies: number[] = Array.from({ length: NODES }, () => 0);
  /** Nodes that lead no longer, and until when they believe that they do. */
  readonly #believers = new Map<number, number>();
  #leader: number | undefined;
  #electionAt = 0;
  /** The oldest record that is still stored. */
  base = 1;

  constructor(network: Network, random: Random, onWritten: (record: LogRecord) => void) {
    this.#network = network;
    this.#onWritten = onWritten;
    this.#random = random;
    this.#leader = random.below(NODES);
  }

  get last(): number {
    return this.#records.length;
  }

  at(sequence: number): LogRecord {
    return this.#records[sequence - 1] as LogRecord;
  }

  /** Copies records among the nodes, and elects a leading node if there is none. */
  step(): void {
    const { now, isUp } = this.#network;
    for (const [node, until] of this.#believers)
      if (until < now || !isUp[node] || node === this.#leader) this.#believers.delete(node);
    if (this.#leader !== undefined && !this.#network.hasQuorum(this.#leader)) {
      if (isUp[this.#leader])
        this.#believers.set(this.#leader, now + MIN_BELIEF_MS + this.#random.below(BELIEF_MS));
      this.#leader = undefined;
      this.#electionAt = now + MIN_ELECTION_MS + this.#random.below(ELECTION_MS);
    }
    if (this.#leader === undefined && now >= this.#electionAt) this.#elect();
    for (let node = 0; node < NODES; node += 1) {
      if (this.#leader === undefined || !this.#network.reaches(node, this.#leader)) continue;
      this.#believers.delete(node);
      if (this.#random.below(3) > 0) this.#copies[node] = this.last;
    }
  }

  /** Moves the leadership of the stream to another node, as a NATS operator may do at any time. */
  moveLeader(): void {
    this.#leader = undefined;
    this.#electionAt = this.#network.now;
  }

  /** Returns the sequence of a written record, "refused", or undefined if there is no reply. */
  append(node: number, record: LogRecord, expected: number | undefined): number | "refused" | undefined {
    const leader = this.#leader;
    if (leader === undefined || !this.#network.reaches(node, leader)) return this.#believedBy(node);
    const follower = [0, 1, 2].find((other) => other !== leader && this.#network.reaches(leader, other));
    if (follower === undefined) return undefined;
    if (expected !== undefined && expected !== this.last) return "refused";
    this.#records.push(record);
    this.#onWritten(record);
    this.#copies[leader] = this.last;
    this.#copies[follower] = this.last;
    return this.last;
  }

  /** Returns the last sequence by a node that believes that it leads; undefined if there is no reply. */
  readLast(node: number): number | undefined {
    const nodes = [...this.#believers.keys(), ...(this.#leader === undefined ? [] : [this.#leader])];
    const reached = nodes.filter((other) => this.#network.reaches(node, other));
    const replying = reached[this.#random.below(reached.length)];
    return replying === undefined ? undefined : this.#copies[replying];
  }

  /** Returns the last record that a consumer on this node can send. */
  copyOf(node: number): number {
    return this.#copies[node] ?? 0;
  }

  #elect(): void {
    const candidates = [0, 1, 2].filter(
      (node) => this.#network.hasQuorum(node) && this.#copies[node] === this.last,
    );
    this.#leader = candidates[this.#random.below(candidates.length)];
  }

  /** A node that was cut off refuses a write that contradicts its copy, and never replies to another. */
  #believedBy(node: number): "refused" | undefined {
    const isBelieved = [...this.#believers.keys()].some((other) => this.#network.reaches(node, other));
    return isBelieved && this.#random.below(2) === 0 ? "refused" : undefined;
  }
}
