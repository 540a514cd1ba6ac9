// Tells which leaders are healthy, to find attempts to take over from one: the leader is scheduled, connected
// to a NATS node that reaches the standby's, and leads by the last term record in the log.

import type { Network } from "./network.ts";
import type { Service } from "./service.ts";

/** An attempt to take over from a leader that was healthy for so long is wrong. */
const HEALTHY_MS = 3_000;

export class Health {
  readonly #network: Network;
  /** Partition → the last term that was written. */
  readonly #terms: (number | undefined)[];
  /** Partition → service → when it last did not lead by that term. */
  readonly #notLeadingAtMs: number[][];
  /** Leader → standby → when the standby could last not see the leader. */
  readonly #unseenAtMs: number[][];

  constructor(network: Network, services: number, partitions: number) {
    this.#network = network;
    this.#terms = Array.from({ length: partitions }, () => undefined);
    this.#notLeadingAtMs = Array.from({ length: partitions }, () => []);
    this.#unseenAtMs = Array.from({ length: services }, () => Array.from({ length: services }, () => 0));
  }

  /** Notes the last term record of a partition; undefined if its log was replaced. */
  began(partition: number, term: number | undefined): void {
    this.#terms[partition] = term;
  }

  /** Notes that a service was disconnected for a moment. */
  disconnected({ index }: Service): void {
    this.#unseenAtMs[index]?.fill(this.#network.now);
  }

  /** Notes the state of all services at this moment. */
  watch(services: readonly Service[], isPaused: (service: Service) => boolean): void {
    const { now } = this.#network;
    for (const leader of services) {
      for (const [partition, term] of this.#terms.entries())
        if (term === undefined || leader.seats.get(partition)?.term !== term)
          (this.#notLeadingAtMs[partition] as number[])[leader.index] = now;
      for (const standby of services) {
        const isSeen =
          leader.isRunning &&
          !isPaused(standby) &&
          this.#network.isConnected(leader) &&
          (!this.#network.isConnected(standby) || this.#network.reaches(leader.node, standby.node));
        if (!isSeen) (this.#unseenAtMs[leader.index] as number[])[standby.index] = now;
      }
    }
  }

  /** Returns what is wrong with an attempt to take over now. */
  judge(standby: Service, partition: number, services: readonly Service[]): string | undefined {
    const term = this.#terms[partition];
    const leader = services.find(({ seats }) => seats.get(partition)?.term === term);
    if (term === undefined || leader === undefined || leader === standby) return undefined;
    const sinceMs = Math.max(
      this.#notLeadingAtMs[partition]?.[leader.index] ?? 0,
      this.#unseenAtMs[leader.index]?.[standby.index] ?? 0,
    );
    const healthyMs = this.#network.now - sinceMs;
    return healthyMs > HEALTHY_MS + 100
      ? `attempt to take ${partition} from a leader that was healthy for ${healthyMs} ms`
      : undefined;
  }
}
