// A service of the model: a process with a folder and a list of partitions that it is ready to lead. It ticks
// four times a second while it runs; what arrives while it is stopped waits in its socket.

import { LEADER_BEAT_MS, type Random } from "../../../graph/index.ts";
import { Consumer } from "./consumer.ts";
import type { Network, Process } from "./network.ts";
import { Replica } from "./replica.ts";
import { Seat, type SeatWorld } from "./seat.ts";

/** What a service has of a partition. The rows and events survive the process. */
interface Folder {
  readonly replica: Replica;
  events: number;
  readonly log: Consumer;
  readonly stream: Consumer;
}

export class Service implements Process {
  readonly index: number;
  node: number;
  isRunning = true;
  /** Counts the starts of the process. */
  starts = 0;
  readonly seats: Map<number, Seat> = new Map();
  readonly #folders: Folder[];
  #nextTickMs = 0;
  /** How far its clock is behind, because the machine was paused. */
  behindMs = 0;

  constructor(index: number, node: number, partitions: number, network: Network, random: Random) {
    this.index = index;
    this.node = node;
    this.#folders = Array.from({ length: partitions }, () => ({
      replica: new Replica(),
      events: 0,
      log: new Consumer(network, random, this),
      stream: new Consumer(network, random, this),
    }));
  }

  get start(): string {
    return `${this.index}.${this.starts}`;
  }

  logOf(partition: number): Consumer {
    return (this.#folders[partition] as Folder).log;
  }

  streamOf(partition: number): Consumer {
    return (this.#folders[partition] as Folder).stream;
  }

  /** Starts the process with a list of partitions. */
  run(partitions: readonly number[], worldOf: (partition: number) => SeatWorld): void {
    this.kill();
    this.starts += 1;
    this.isRunning = true;
    for (const partition of partitions) {
      const { replica, events } = this.#folders[partition] as Folder;
      this.seats.set(partition, new Seat(worldOf(partition), this.start, replica, events));
    }
  }

  kill(): void {
    for (const [partition, { events }] of this.seats) (this.#folders[partition] as Folder).events = events;
    this.seats.clear();
    this.isRunning = false;
  }

  /** Deletes the folder of a process that does not run. */
  empty(): void {
    for (const folder of this.#folders) {
      folder.replica.clear();
      folder.events = 0;
    }
  }

  reconnected(): void {
    for (const { log, stream } of this.#folders) {
      log.make();
      stream.make();
    }
    for (const seat of this.seats.values()) seat.reconnected();
  }

  tick(nowMs: number): void {
    if (nowMs < this.#nextTickMs) return;
    this.#nextTickMs = nowMs + LEADER_BEAT_MS;
    for (const seat of this.seats.values()) seat.tick();
  }
}
