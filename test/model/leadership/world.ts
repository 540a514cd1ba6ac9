// The world of the leadership walk: three NATS nodes, three services with overlapping lists of partitions,
// two edges with readers, and clients that change and look up follows. One step is 125 ms of simulated time.
// It records every violation that it notices.

import { CONFIRMED_FOR_MS, Random } from "../../../graph/index.ts";
import { Edge, type Stream } from "../edge.ts";
import type { Entry } from "../history.ts";
import type { ToEdge, ToOwner } from "../messages.ts";
import { ALL_RULES } from "../rules.ts";
import { Audience, type AudienceCounts } from "./audience.ts";
import { Health } from "./health.ts";
import { Network, NODES, type Process } from "./network.ts";
import { Part } from "./part.ts";
import { type Follow, keyOf } from "./replica.ts";
import type { ChangeRecord } from "./replicated-log.ts";
import type { LeadershipRules } from "./rules.ts";
import type { SeatWorld } from "./seat.ts";
import { Service } from "./service.ts";

export const PARTITIONS = 2;
const SERVICES = 3;
const EDGES = 2;
const USERS = 4;
/** Topics per partition; events of the first one are long. */
const TOPICS = 3;
const STEP_MS = 125;
const EDGE_BEAT_MS = 1_000;
/** A NATS client that was stopped for longer finds its connection closed. */
const MAX_STOPPED_MS = 5_000;

export interface LeadershipCounts extends AudienceCounts {
  events: number;
  changes: number;
  lookups: number;
  faults: number;
  attempts: number;
  terms: number;
  handOvers: number;
}

/** An edge of the model as a process that is connected to NATS. */
interface Gateway extends Process {
  readonly edge: Edge;
  readonly withdrawn: Map<string, number>;
  beatAtMs: number;
}

export class World {
  readonly rules: LeadershipRules;
  readonly random: Random;
  readonly network: Network;
  readonly problems: string[] = [];
  readonly counts: LeadershipCounts;
  readonly audience: Audience;
  readonly #health: Health;
  readonly parts: Part[];
  readonly allPartitions: readonly number[];
  readonly services: Service[];
  readonly gateways: Gateway[];
  readonly #clients: Process[];
  /** Each node's JetStream API. */
  readonly #api: Process[];
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];
  readonly #reconnecting = new Set<Process>();
  readonly #stopped = new Map<Service, { readonly atMs: number; readonly isPaused: boolean }>();
  /** Services on machines that were paused → until when they may reply as they would have before. */
  readonly #pausedUntilMs = new Map<Service, number>();
  /** One of so many replies of the log is lost. */
  readonly #loseReplyEvery: number;
  #loseRepliesUntilMs = 0;

  constructor(seed: number, rules: LeadershipRules) {
    this.rules = rules;
    this.random = new Random(seed);
    this.network = new Network(this.random);
    this.#loseReplyEvery = this.below(3) === 0 ? 5 : 40;
    const nodes = Array.from({ length: NODES }, (_, node) => node);
    this.#clients = nodes.map((node) => ({ node, isRunning: true }));
    this.#api = nodes.map((node) => ({ node, isRunning: true }));
    this.allPartitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    this.parts = Array.from({ length: PARTITIONS }, (_, partition) => this.#newPart(partition));
    this.#health = new Health(this.network, SERVICES, PARTITIONS);
    this.services = Array.from(
      { length: SERVICES },
      (_, index) => new Service(index, this.below(NODES), PARTITIONS, this.network, this.random),
    );
    for (const service of this.services) this.start(service, this.allPartitions);
    this.gateways = Array.from({ length: EDGES }, (_, index) => this.#newGateway(index));
    for (const { edge } of this.gateways) edge.announceAll();
    const edges = this.gateways.map(({ edge }) => edge);
    this.audience = new Audience(this.random, edges, USERS, PARTITIONS);
    this.counts = Object.assign(this.audience.counts, {
      events: 0,
      changes: 0,
      lookups: 0,
      faults: 0,
      attempts: 0,
      terms: 0,
      handOvers: 0,
    });
  }

  get now(): number {
    return this.network.now;
  }

  below(bound: number): number {
    return this.random.below(bound);
  }

  /** Lets 125 ms pass. */
  step(): void {
    this.network.now += STEP_MS;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.now);
    if (due.length > 0) this.#timers = this.#timers.filter(({ atMs }) => atMs > this.now);
    for (const { run } of due) run();
    for (const { log } of this.parts) log.step();
    for (const service of this.services) this.#stepService(service);
    for (const [index, gateway] of this.gateways.entries()) this.#stepGateway(index, gateway);
    this.#watch();
  }

  start(service: Service, partitions: readonly number[]): void {
    if (!this.network.isConnected(service)) service.node = this.#upNode();
    this.network.drop(service);
    this.#stopped.delete(service);
    service.run(partitions, (partition) => this.#seatWorld(service, partition));
  }

  kill(service: Service): void {
    service.kill();
    this.network.drop(service);
    this.#stopped.delete(service);
  }

  /**
   * Stops a process without ending it, as SIGSTOP does; or its machine, whose clock then stands still, too.
   */
  stop(service: Service, isPaused: boolean): void {
    if (!service.isRunning) return;
    service.isRunning = false;
    this.#stopped.set(service, { atMs: this.now, isPaused });
  }

  wake(service: Service): void {
    const stopped = this.#stopped.get(service);
    if (stopped === undefined) return;
    this.#stopped.delete(service);
    service.isRunning = true;
    const stoppedMs = this.now - stopped.atMs;
    if (stopped.isPaused) {
      service.behindMs += stoppedMs;
      this.#pausedUntilMs.set(service, this.now + CONFIRMED_FOR_MS);
    }
    this.#tick(service); // timers run before the socket is read
    for (const seat of service.seats.values()) seat.serve();
    if (stoppedMs > MAX_STOPPED_MS) this.reconnect(service);
  }

  /** Lets a process connect to some node, as after a broken connection. */
  reconnect(process: Service | Gateway, node: number = this.#upNode()): void {
    this.network.drop(process);
    process.node = node;
    if (process instanceof Service) {
      this.#health.disconnected(process);
      process.reconnected();
    } else process.edge.announceAll();
  }

  after(delayMs: number, run: () => void): void {
    this.#timers.push({ atMs: this.now + delayMs, run });
  }

  /** Lets the leader store a snapshot. */
  snapshot(partition: number): void {
    for (const { seats } of this.services) {
      const seat = seats.get(partition);
      if (seat?.isServing === true) this.parts[partition]?.store(seat.replica);
    }
  }

  /** Replaces the log of a partition, as `graph restore` does while all services are down. */
  restore(partition: number, areFoldersEmpty: boolean): void {
    for (const service of this.services) {
      this.kill(service);
      if (areFoldersEmpty) service.empty();
    }
    this.parts[partition]?.restore();
    this.#health.began(partition, undefined);
    for (const service of this.services) this.start(service, this.allPartitions);
  }

  /** Hands a partition over to a standby with complete rows. Returns the two services, if it is possible. */
  handOver(partition: number): readonly [Service, Service] | undefined {
    const [leader] = this.leadersOf(partition);
    const standbys = this.services.filter(
      (service) => service !== leader && service.seats.get(partition)?.replica.isComplete === true,
    );
    const standby = standbys[this.below(standbys.length)];
    if (leader === undefined || standby === undefined) return undefined;
    this.counts.handOvers += 1;
    leader.seats.get(partition)?.handOver(standby.start);
    return [leader, standby];
  }

  /** Loses every reply of the logs for a while. */
  loseReplies(durationMs: number): void {
    this.#loseRepliesUntilMs = this.now + durationMs;
  }

  publish(): void {
    const partition = this.below(PARTITIONS);
    const { history, truth } = this.parts[partition] as Part;
    if (![0, 1, 2].some((node) => this.network.hasQuorum(node))) return;
    const topic = partition * TOPICS + this.below(TOPICS);
    const entry: Entry =
      this.below(8) === 0
        ? { kind: "direct", user: this.below(USERS) }
        : { kind: "topic", topic, long: topic % TOPICS === 0 };
    truth.published(history.append(entry), USERS);
    this.counts.events += 1;
  }

  /** Requests a change or a lookup from whichever services consider themselves leaders. */
  ask(isChange: boolean): void {
    const client = this.#clients[this.below(NODES)] as Process;
    const user = this.below(USERS);
    const topic = this.below(PARTITIONS * TOPICS);
    const on = this.below(2) === 0;
    const partition = Math.floor(topic / TOPICS);
    for (const service of this.services)
      this.network.send(client, service, () => {
        const seat = service.seats.get(partition);
        if (isChange) seat?.request({ user, topic, on });
        else seat?.lookUp();
      });
  }

  /** Returns the services that lead a partition and may act. */
  leadersOf(partition: number): Service[] {
    return this.services.filter(
      ({ isRunning, seats }) => isRunning && seats.get(partition)?.isServing === true,
    );
  }

  /** Whether no stream waits at its seam, and the edges have all events. */
  get isQuiet(): boolean {
    return this.gateways.every(
      ({ edge }) =>
        !edge.waits &&
        this.parts.every(({ history }, partition) => {
          const { main, open } = edge.positionOf(partition);
          return main === history.last && open.length === 0;
        }),
    );
  }

  /** Checks every reader's record. */
  check(): void {
    const histories = this.parts.map(({ history }) => history);
    const owes = (user: number, partition: number, seq: number): boolean =>
      this.parts[partition]?.truth.owes(user, seq) === true;
    this.problems.push(...this.audience.check(histories, owes));
  }

  #newPart(partition: number): Part {
    const rows = new Map<string, Follow>();
    for (let user = 0; user < USERS; user += 1)
      for (let topic = partition * TOPICS; topic < (partition + 1) * TOPICS; topic += 1)
        if (this.below(3) > 0) rows.set(keyOf(user, topic), { on: true, endings: 0 });
    return new Part(this.network, this.random, rows, (term) => {
      this.counts.terms += 1;
      this.#health.began(partition, term);
    });
  }

  #newGateway(index: number): Gateway {
    const withdrawn = new Map<string, number>();
    const edge = new Edge(
      {
        rules: ALL_RULES,
        partitions: PARTITIONS,
        mode: "frames",
        fencesOwners: this.rules.fenceFrames,
        send: (partition, message) => this.#toServices(index, partition, message),
        topicOf: (partition, seq) => {
          const entry = (this.parts[partition] as Part).history.at(seq);
          return entry.kind === "topic" ? entry.topic : undefined;
        },
        written: (stream, partition, seq) => this.#writtenTo(withdrawn, stream, partition, seq),
        withdrawn: ({ user, topic, ending }) => withdrawn.set(keyOf(user, topic), ending),
      },
      0,
    );
    return { edge, withdrawn, node: this.below(NODES), isRunning: true, beatAtMs: 0 };
  }

  /** Presence goes to every service. */
  #toServices(index: number, partition: number, message: ToOwner): void {
    const gateway = this.gateways?.[index];
    if (gateway === undefined) return;
    for (const service of this.services)
      this.network.send(gateway, service, () => service.seats.get(partition)?.fromEdge(index, message));
  }

  #writtenTo(withdrawn: ReadonlyMap<string, number>, { user }: Stream, partition: number, seq: number): void {
    const { history, truth } = this.parts[partition] as Part;
    const entry = history.at(seq);
    if (truth.isForeign(user, seq)) this.problems.push(`stranger ${partition}:${seq} for ${user}`);
    if (entry.kind !== "topic") return;
    const ending = withdrawn.get(keyOf(user, entry.topic));
    if (ending !== undefined && ending === truth.endingsOf(user, entry.topic))
      this.problems.push(`withdrawn ${partition}:${seq} for ${user}`);
  }

  #seatWorld(service: Service, partition: number): SeatWorld {
    const part = this.parts[partition] as Part;
    const { network } = this;
    return {
      rules: this.rules,
      edges: EDGES,
      get now() {
        return network.now - service.behindMs;
      },
      get layout() {
        return part.layout;
      },
      get log() {
        return part.log;
      },
      history: part.history,
      get isConnected() {
        return network.isConnected(service);
      },
      below: (bound) => this.below(bound),
      availableRecords: (applied) => {
        const source = service.logOf(partition).source;
        if (source === undefined || this.below(4) === 0) return applied;
        return Math.min(part.log.copyOf(source), applied + 1 + this.below(20));
      },
      availableEvents: (applied) => {
        const source = service.streamOf(partition).source;
        if (source === undefined || !network.hasQuorum(source)) return applied;
        return Math.min(part.history.last, applied + this.below(12));
      },
      request: (effect, reply) => this.#request(service, effect, reply),
      send: (edge, message: ToEdge) => {
        const gateway = this.gateways[edge] as Gateway;
        network.send(service, gateway, () => gateway.edge.receive(partition, message));
      },
      beat: (term) => {
        for (const other of this.services)
          if (other !== service) network.send(service, other, () => other.seats.get(partition)?.beat(term));
      },
      takingOver: () => this.#attempt(service, partition),
      acknowledged: (change: ChangeRecord, sequence) => {
        this.counts.changes += 1;
        part.truth.acknowledged(change, sequence);
      },
      lookedUp: (replica) => {
        this.counts.lookups += 1;
        const user = this.below(USERS);
        const wrong = part.truth.lookUp(replica, user, partition * TOPICS + this.below(TOPICS));
        if (wrong !== undefined && !this.#isJustPaused(service)) this.problems.push(wrong);
      },
    };
  }

  #request<Reply>(
    service: Service,
    effect: (node: number) => Reply | undefined,
    reply: (reply: Reply) => void,
  ): void {
    if (!this.network.isConnected(service)) return;
    const { node, start } = service;
    this.after(this.network.delay(), () => {
      const result = this.network.isUp[node] ? effect(node) : undefined;
      if (result === undefined || this.below(this.#loseReplyEvery) === 0) return;
      if (this.now <= this.#loseRepliesUntilMs) return;
      this.network.send(this.#api[service.node] as Process, service, () => {
        if (service.start === start) reply(result);
      });
    });
  }

  #attempt(standby: Service, partition: number): void {
    this.counts.attempts += 1;
    const wrong = this.#health.judge(standby, partition, this.services);
    if (wrong !== undefined) this.problems.push(wrong);
  }

  #isJustPaused(service: Service): boolean {
    return this.now < (this.#pausedUntilMs.get(service) ?? 0);
  }

  /** Checks that at most one leader acts per partition. */
  #watch(): void {
    for (const partition of this.allPartitions) {
      const leaders = this.leadersOf(partition).filter((service) => !this.#isJustPaused(service));
      if (leaders.length > 1) this.problems.push(`${leaders.length} leaders of ${partition} act`);
    }
    this.#health.watch(this.services, (service) => this.#stopped.get(service)?.isPaused === true);
  }

  #tick(service: Service): void {
    service.tick(this.now - service.behindMs);
  }

  #stepService(service: Service): void {
    if (!service.isRunning) return;
    this.#noticeDeadNode(service);
    const ticksFirst = this.below(2) === 0;
    if (ticksFirst) this.#tick(service);
    this.network.deliver(service);
    if (!ticksFirst) this.#tick(service);
    for (const [partition, seat] of service.seats) {
      seat.read();
      if (!seat.replica.isComplete && this.below(40) === 0 && this.network.hasQuorum(service.node)) {
        const [older, newest] = (this.parts[partition] as Part).snapshots;
        seat.load(this.below(4) === 0 ? older : newest);
      }
      seat.serve();
    }
  }

  #stepGateway(index: number, gateway: Gateway): void {
    this.#noticeDeadNode(gateway);
    this.network.deliver(gateway);
    if (this.now < gateway.beatAtMs) return;
    gateway.beatAtMs = this.now + EDGE_BEAT_MS;
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const beat = gateway.edge.beatOf(partition);
      for (const service of this.services)
        this.network.send(gateway, service, () => service.seats.get(partition)?.edgeBeat(index, beat));
    }
    gateway.edge.askAgain();
  }

  /** A process notices within a second that its node is gone, and is connected to another one soon after. */
  #noticeDeadNode(process: Service | Gateway): void {
    if (this.network.isConnected(process) || this.#reconnecting.has(process)) return;
    this.#reconnecting.add(process);
    this.after(300 + this.below(1_200), () => {
      this.#reconnecting.delete(process);
      if (process.isRunning) this.reconnect(process); // also if the node is back
    });
  }

  #upNode(): number {
    for (;;) {
      const node = this.below(NODES);
      if (this.network.isUp[node]) return node;
    }
  }
}
