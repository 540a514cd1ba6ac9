// The adversity of the leadership walk. Each walk draws how often faults come, and how often each kind, so
// that some walks consist of few kinds. At most one NATS node is down at a time; everything else may overlap.
// Every fault ends by itself.

import { NODES } from "./network.ts";
import type { Service } from "./service.ts";
import { PARTITIONS, type World } from "./world.ts";

export class Faults {
  readonly #world: World;
  /** One fault in so many steps. */
  readonly #every: number;
  /** Each kind as often as this walk draws it. */
  readonly #kinds: readonly (() => void)[];

  constructor(world: World) {
    this.#world = world;
    this.#every = this.#oneOf(120, 40, 15);
    const weighted: readonly (readonly [number, () => void])[] = [
      [2, () => this.#stopService()],
      [2, () => this.#killService()],
      [3, () => this.#cutRoute()],
      [1, () => void this.#cutOffNode()],
      [2, () => this.#stopNode()],
      [1, () => this.#breakConnection()],
      [1, () => this.#service.logOf(world.below(PARTITIONS)).stall(world.below(6_000))],
      [2, () => this.#service.streamOf(world.below(PARTITIONS)).stall(world.below(8_000))],
      [1, () => this.#moveLogLeader()],
      [2, () => this.#handOver()],
      [1, () => this.#restore()],
      [1, () => this.#strand()],
    ];
    this.#kinds = weighted.flatMap(([weight, inject]) =>
      Array.from({ length: weight * this.#oneOf(0, 1, 1, 4) }, () => inject),
    );
  }

  step(): void {
    if (this.#world.below(this.#every) > 0) return;
    this.#world.counts.faults += 1;
    this.#kinds[this.#world.below(this.#kinds.length)]?.();
  }

  /** The log is replaced, on empty folders, while the edges, which know the terms so far, are away. */
  restoreBlindly(): void {
    const world = this.#world;
    const node = this.#cutOffNode();
    for (const gateway of world.gateways) if (world.network.isUp[node]) world.reconnect(gateway, node);
    world.restore(world.below(PARTITIONS), true);
  }

  #oneOf(...numbers: readonly number[]): number {
    return numbers[this.#world.below(numbers.length)] as number;
  }

  get #service(): Service {
    return this.#world.services[this.#world.below(this.#world.services.length)] as Service;
  }

  #stopService(): void {
    const world = this.#world;
    const service = this.#service;
    world.stop(service, world.below(4) === 0);
    world.after(300 + world.below(8_000), () => world.wake(service));
  }

  /** The service starts again with the same or another list, and sometimes with an empty folder. */
  #killService(): void {
    const world = this.#world;
    const service = this.#service;
    world.kill(service);
    if (world.below(3) === 0) service.empty();
    const list = world.allPartitions.filter(() => world.below(4) > 0);
    world.after(world.below(10_000), () => {
      if (!service.isRunning) world.start(service, list);
    });
  }

  #cutRoute(): void {
    const world = this.#world;
    const a = world.below(NODES);
    const b = (a + 1 + world.below(NODES - 1)) % NODES;
    world.network.cut(a, b, world.below(3) === 0 ? "held" : "lossy");
    world.after(world.below(12_000), () => world.network.repair(a, b));
  }

  /** One node reaches neither of the others. */
  #cutOffNode(): number {
    const world = this.#world;
    const node = world.below(NODES);
    const durationMs = world.below(15_000);
    for (let other = 0; other < NODES; other += 1) {
      if (other === node) continue;
      world.network.cut(node, other, "lossy");
      world.after(durationMs, () => world.network.repair(node, other));
    }
    return node;
  }

  /** A node is cut off, and its services stop running before it is back, until long after. */
  #strand(): void {
    const world = this.#world;
    const node = world.below(NODES);
    for (let other = 0; other < NODES; other += 1) {
      if (other === node) continue;
      world.network.cut(node, other, "lossy");
      world.after(3_000 + world.below(500), () => world.network.repair(node, other));
    }
    for (const service of world.services) {
      world.after(2_500 + world.below(500), () => {
        if (service.node === node) world.stop(service, world.below(4) === 0);
      });
      world.after(6_500 + world.below(1_000), () => world.wake(service));
    }
  }

  #stopNode(): void {
    const world = this.#world;
    if (world.network.isUp.includes(false)) return;
    const node = world.below(NODES);
    world.network.isUp[node] = false;
    world.after(world.below(8_000), () => {
      world.network.isUp[node] = true;
    });
  }

  #breakConnection(): void {
    const world = this.#world;
    const process = world.below(2) === 0 ? this.#service : world.gateways[world.below(world.gateways.length)];
    if (process?.isRunning) world.reconnect(process);
  }

  /** A hand-over on purpose, of which the old leader sometimes learns late. */
  #handOver(): void {
    const world = this.#world;
    const partition = world.below(PARTITIONS);
    const [leader, standby] = world.handOver(partition) ?? [];
    if (leader === undefined || standby === undefined || world.below(2) === 0) return;
    world.loseReplies(150);
    leader.logOf(partition).stall(3_000);
    if (leader.node === standby.node) return;
    const [a, b] = [leader.node, standby.node];
    world.after(100, () => world.network.cut(a, b, "lossy"));
    world.after(3_000, () => world.network.repair(a, b));
  }

  #moveLogLeader(): void {
    this.#world.parts[this.#world.below(PARTITIONS)]?.log.moveLeader();
  }

  #restore(): void {
    if (this.#world.below(2) === 0) this.restoreBlindly();
    else this.#world.restore(this.#world.below(PARTITIONS), false);
  }
}
