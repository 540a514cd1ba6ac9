// One random walk. Owners of partitions change, restart and lag; edges in both modes lose NATS, lose frames
// or die; the connections of readers break at any point, and readers return at any point with the last cursor
// they read; follows begin and end; the history deletes its oldest events. At the end everything settles, and
// every reader's record is checked: each owed event once, in order per sender, and nothing that the reader
// must not see.

import { Random } from "../../graph/index.ts";
import { Edge, Stream } from "./edge.ts";
import { type Entry, History } from "./history.ts";
import type { Mode, ToEdge, ToOwner } from "./messages.ts";
import { Owner } from "./owner.ts";
import { check, newReader, type Reader, record } from "./reader.ts";
import type { Rules } from "./rules.ts";

const PARTITIONS = 3;
const EDGES = 2;
const USERS = 5;
/** Topics per partition; events of the first one are long. */
const TOPICS = 4;
const STEPS = 2_500;

export interface WalkCounts {
  events: number;
  delivered: number;
  resumes: number;
  faults: number;
  resyncs: number;
  long: number;
}

export interface Walk {
  /** Violations, one text each. */
  readonly problems: readonly string[];
  readonly counts: WalkCounts;
}

/** Performs the walk of a seed. */
export function walk(seed: number, rules: Rules): Walk {
  return new World(seed, rules).run();
}

class World {
  readonly #random: Random;
  readonly #rules: Rules;
  readonly #counts: WalkCounts = {
    events: 0,
    delivered: 0,
    resumes: 0,
    faults: 0,
    resyncs: 0,
    long: 0,
  };
  readonly #problems: string[] = [];
  readonly #histories = Array.from({ length: PARTITIONS }, () => new History());
  readonly #owners: Owner[] = [];
  readonly #edges: Edge[] = [];
  readonly #modes: Mode[];
  readonly #toEdge = channels<ToEdge>();
  readonly #toOwner = channels<ToOwner>();
  /** `subject` mode: the users whose copies each owner's NATS server delivers to each edge. */
  readonly #subscribed = Array.from({ length: PARTITIONS * EDGES }, () => new Set<number>());
  readonly #follows = new Set<string>();
  /** Per user and topic, how often the follow has ended. */
  readonly #ended = new Map<string, number>();
  /** Per user and topic, the newest event when the follow ended. */
  readonly #endedAt = new Map<string, number>();
  /** Per edge, the newest end of each follow that the edge has learned of. */
  readonly #withdrawn = Array.from({ length: EDGES }, () => new Map<string, number>());
  /**
   * Per event, the users to whom it was owed when it was published, and how often their follow had ended by
   * then.
   */
  readonly #owed = new Map<string, ReadonlyMap<number, number>>();
  readonly #readers: Reader[];
  /** Streams whose reader is gone, which their edge has not noticed yet. */
  #stale: { readonly edge: number; readonly stream: Stream }[] = [];
  #starts = 1;
  #streams = 0;
  /**
   * Rates of this walk, as one in so many steps: faults, parts of long events, steps of the second edge,
   * and the detection of closed streams.
   */
  readonly #calm: number;
  readonly #longEvery: number;
  readonly #slowEvery: number;
  readonly #noticeEvery: number;

  constructor(seed: number, rules: Rules) {
    this.#random = new Random(seed);
    this.#rules = rules;
    this.#calm = this.#oneOf(1_000, 30, 8);
    this.#longEvery = this.#oneOf(1, 2, 8);
    this.#slowEvery = this.#oneOf(1, 1, 3, 6);
    this.#noticeEvery = this.#oneOf(1, 4, 12);
    this.#modes = Array.from({ length: EDGES }, () => (this.#random.below(3) === 0 ? "subject" : "frames"));
    this.#readers = Array.from({ length: USERS }, (_, user) => newReader(user, PARTITIONS));
    for (let user = 0; user < USERS; user += 1)
      for (let topic = 0; topic < PARTITIONS * TOPICS; topic += 1)
        if (this.#random.below(3) > 0) this.#follows.add(`${user} ${topic}`);
    for (let partition = 0; partition < PARTITIONS; partition += 1) this.#newOwner(partition, 0);
    for (let edge = 0; edge < EDGES; edge += 1) this.#newEdge(edge, 0);
  }

  run(): Walk {
    for (let step = 0; step < STEPS; step += 1) this.#step();
    this.#settle();
    const owes = (user: number, partition: number, seq: number): boolean => {
      const entry = this.#historyOf(partition).at(seq);
      const endings = entry.kind === "topic" ? (this.#ended.get(`${user} ${entry.topic}`) ?? 0) : 0;
      return this.#owed.get(`${partition}:${seq}`)?.get(user) === endings;
    };
    for (const reader of this.#readers) this.#problems.push(...check(reader, this.#histories, owes));
    return { problems: this.#problems, counts: this.#counts };
  }

  #oneOf(...numbers: readonly number[]): number {
    return numbers[this.#below(numbers.length)] as number;
  }

  #below(bound: number): number {
    return this.#random.below(bound);
  }

  #newOwner(partition: number, head: number): void {
    this.#starts += 1;
    const start = this.#starts;
    const world = {
      rules: this.#rules,
      history: this.#historyOf(partition),
      toss: () => this.#below(2) === 0,
      follows: (user: number, topic: number) => this.#follows.has(`${user} ${topic}`),
      subscribed: (edge: number) => this.#subscribed[indexOf(partition, edge)] as Set<number>,
      send: (edge: number, message: ToEdge) => void this.#toEdge[indexOf(partition, edge)]?.push(message),
    };
    this.#owners[partition] = new Owner(world, start, head);
    for (let edge = 0; edge < EDGES; edge += 1)
      this.#toEdge[indexOf(partition, edge)]?.push({ kind: "announce", owner: start, epoch: 0 });
  }

  #newEdge(index: number, epoch: number): void {
    const mode = this.#modes[index] as Mode;
    const edge = new Edge(
      {
        rules: this.#rules,
        partitions: PARTITIONS,
        mode,
        fencesOwners: true,
        send: (partition, message) => void this.#toOwner[indexOf(partition, index)]?.push(message),
        topicOf: (partition, seq) => {
          const entry = this.#historyOf(partition).at(seq);
          return entry.kind === "topic" ? entry.topic : undefined;
        },
        written: (stream, partition, seq) => this.#written(index, stream, partition, seq),
        withdrawn: ({ user, topic, ending }) => this.#withdrawn[index]?.set(`${user} ${topic}`, ending),
      },
      epoch,
    );
    this.#edges[index] = edge;
    this.#withdrawn[index]?.clear();
    edge.announceAll();
  }

  #historyOf(partition: number): History {
    return this.#histories[partition] as History;
  }

  #step(): void {
    const partition = this.#below(PARTITIONS);
    const edge = this.#below(EDGES);
    const reader = this.#readers[this.#below(USERS)] as Reader;
    const owner = this.#owners[partition] as Owner;
    const roll = this.#below(100);
    if (roll < 8) this.#publish(partition);
    else if (roll < 18) owner.begin();
    else if (roll < 25) {
      if (this.#below(this.#longEvery) === 0) owner.sendPart();
    } else if (roll < 30) owner.flush(edge);
    else if (roll < 50) {
      if (edge === 0 || this.#below(this.#slowEvery) === 0) this.#toEdgeNext(partition, edge);
    } else if (roll < 64) this.#toOwnerNext(partition, edge);
    else if (roll < 80) this.#read(reader);
    else if (roll < 86) this.#connect(reader);
    else if (roll < 89) this.#cut(reader);
    else if (roll < 92) {
      if (this.#below(this.#noticeEvery) === 0) this.#notice();
    } else if (roll < 94) this.#changeFollow();
    else if (roll < 95) this.#edges[edge]?.askAgain();
    else if (this.#below(this.#calm) === 0) this.#fault(partition, edge);
  }

  #fault(partition: number, edge: number): void {
    this.#counts.faults += 1;
    const owner = this.#owners[partition] as Owner;
    const history = this.#historyOf(partition);
    switch (this.#below(6)) {
      case 0: {
        // a new owner, which may be behind; the last messages of the old one are lost
        for (let other = 0; other < EDGES; other += 1) this.#shorten(this.#toEdge[indexOf(partition, other)]);
        return this.#newOwner(partition, Math.max(0, owner.head - this.#below(6)));
      }
      case 1: // a service restart: events published meanwhile are in no history, and readers are told
        for (let other = 0; other < EDGES; other += 1) this.#shorten(this.#toEdge[indexOf(partition, other)]);
        this.#append(partition, { kind: "restart" });
        return this.#newOwner(partition, history.last - 1);
      case 2:
        return this.#loseNats(edge);
      case 3: {
        // NATS loses one message on a route
        const channel = this.#toEdge[indexOf(partition, edge)] ?? [];
        const at = channel.findIndex(({ kind }) => kind === "frame");
        if (at !== -1) channel.splice(at, 1);
        return;
      }
      case 4: // the history deletes what the fan-out no longer needs
        return history.trim(Math.max(1, Math.min(owner.needed, history.last) - this.#below(20)));
      default:
        if (this.#below(3) === 0) this.#killEdge(edge);
    }
  }

  #loseNats(edge: number): void {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const index = indexOf(partition, edge);
      this.#shorten(this.#toOwner[index]);
      (this.#toEdge[index] as ToEdge[]).length = 0;
      this.#subscribed[index]?.clear();
      const announce: ToEdge = { kind: "announce", owner: this.#owners[partition]?.start ?? 0, epoch: 0 };
      this.#toEdge[index]?.push(announce);
    }
    this.#edges[edge]?.announceAll();
  }

  #killEdge(edge: number): void {
    for (const reader of this.#readers) {
      if (reader.stream?.edge !== edge) continue;
      this.#shorten(reader.stream.stream.tcp);
      while (this.#read(reader)); // what the kernel had already sent
      reader.stream = undefined;
    }
    this.#stale = this.#stale.filter((one) => one.edge !== edge);
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const index = indexOf(partition, edge);
      for (const channel of [this.#toEdge, this.#toOwner]) (channel[index] as unknown[]).length = 0;
      this.#subscribed[index]?.clear();
      const announce: ToEdge = { kind: "announce", owner: this.#owners[partition]?.start ?? 0, epoch: 0 };
      this.#toEdge[index]?.push(announce);
    }
    this.#newEdge(edge, (this.#edges[edge] as Edge).epochs + 1);
  }

  /** Drops the end of a channel. */
  #shorten(channel: unknown[] | undefined): void {
    if (channel !== undefined) channel.length = this.#below(channel.length + 1);
  }

  #publish(partition: number): void {
    const topic = partition * TOPICS + this.#below(TOPICS);
    const isDirect = this.#below(8) === 0;
    const entry: Entry = isDirect
      ? { kind: "direct", user: this.#below(USERS) }
      : { kind: "topic", topic, long: topic % TOPICS === 0 };
    this.#append(partition, entry);
  }

  #append(partition: number, entry: Entry): void {
    this.#counts.events += 1;
    if (entry.kind === "topic" && entry.long) this.#counts.long += 1;
    const seq = this.#historyOf(partition).append(entry);
    const owed = new Map<number, number>();
    for (let user = 0; user < USERS; user += 1) {
      if (entry.kind === "topic" && !this.#follows.has(`${user} ${entry.topic}`)) continue;
      if (entry.kind === "direct" && entry.user !== user) continue;
      owed.set(user, entry.kind === "topic" ? (this.#ended.get(`${user} ${entry.topic}`) ?? 0) : 0);
    }
    this.#owed.set(`${partition}:${seq}`, owed);
  }

  #changeFollow(): void {
    const user = this.#below(USERS);
    const topic = this.#below(PARTITIONS * TOPICS);
    const partition = Math.floor(topic / TOPICS);
    const key = `${user} ${topic}`;
    if (this.#follows.delete(key)) {
      const ending = (this.#ended.get(key) ?? 0) + 1;
      this.#ended.set(key, ending);
      this.#endedAt.set(key, this.#historyOf(partition).last);
      this.#owners[partition]?.withdraw(user, topic, ending);
    } else this.#follows.add(key);
  }

  #toEdgeNext(partition: number, edge: number): boolean {
    const message = this.#toEdge[indexOf(partition, edge)]?.shift();
    if (message === undefined) return false;
    this.#edges[edge]?.receive(partition, message);
    return true;
  }

  #toOwnerNext(partition: number, edge: number): boolean {
    const message = this.#toOwner[indexOf(partition, edge)]?.shift();
    if (message === undefined) return false;
    this.#owners[partition]?.receive(edge, message);
    return true;
  }

  #connect(reader: Reader): void {
    if (reader.stream !== undefined) return;
    const edge = this.#below(EDGES);
    this.#streams += 1;
    if (reader.cursor !== undefined) this.#counts.resumes += 1;
    const stream = new Stream(this.#streams, reader.user, reader.cursor, PARTITIONS);
    reader.stream = { edge, stream };
    this.#edges[edge]?.open(stream);
  }

  #cut(reader: Reader): void {
    if (reader.stream === undefined) return;
    this.#stale.push(reader.stream);
    reader.stream = undefined;
  }

  #notice(): void {
    const stale = this.#stale.shift();
    if (stale !== undefined) this.#edges[stale.edge]?.close(stale.stream);
  }

  #read(reader: Reader): boolean {
    const block = reader.stream?.stream.tcp.shift();
    if (block === undefined) return false;
    record(reader, block);
    if (block.seq !== undefined) this.#counts.delivered += 1;
    if (block.resync !== undefined) this.#counts.resyncs += 1;
    return true;
  }

  /** Checks that the reader may see an event that is being written to its stream. */
  #written(edge: number, { user }: Stream, partition: number, seq: number): void {
    const entry = this.#historyOf(partition).at(seq);
    if (entry.kind === "direct" && entry.user !== user) this.#problems.push(`stranger ${partition}:${seq}`);
    if (entry.kind !== "topic") return;
    const key = `${user} ${entry.topic}`;
    if (this.#follows.has(key)) return;
    const endedAt = this.#endedAt.get(key) ?? 0;
    if (seq > endedAt) this.#problems.push(`stranger ${partition}:${seq} for ${user}`);
    else if (this.#withdrawn[edge]?.get(key) === this.#ended.get(key))
      this.#problems.push(`withdrawn ${partition}:${seq} for ${user}`);
  }

  /** Delivers everything in transit, reconnects every reader, and lets the system come to rest. */
  #settle(): void {
    for (const reader of this.#readers) this.#connect(reader);
    for (let index = this.#stale.length; index > 0; index -= 1) this.#notice();
    for (let rounds = 0, busy = true; busy; rounds += 1) {
      if (rounds > 10_000) {
        this.#problems.push("restless");
        return;
      }
      busy = false;
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const owner = this.#owners[partition] as Owner;
        while (owner.begin()) busy = true;
        if (owner.sendPart()) busy = true;
        for (let edge = 0; edge < EDGES; edge += 1) {
          while (this.#toOwnerNext(partition, edge)) busy = true;
          if (owner.hasPending(edge)) busy = owner.flush(edge) || busy;
          while (this.#toEdgeNext(partition, edge)) busy = true;
        }
      }
      for (const reader of this.#readers) while (this.#read(reader)) busy = true;
      if (!busy && this.#edges.some(({ waits }) => waits) && rounds < 100) {
        busy = true;
        for (const edge of this.#edges) edge.askAgain();
        for (let partition = 0; partition < PARTITIONS; partition += 1)
          for (let edge = 0; edge < EDGES; edge += 1) this.#owners[partition]?.flush(edge);
      }
    }
  }
}

function indexOf(partition: number, edge: number): number {
  return partition * EDGES + edge;
}

function channels<Message>(): Message[][] {
  return Array.from({ length: PARTITIONS * EDGES }, () => []);
}
