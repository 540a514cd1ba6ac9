// What a service does for one partition while it leads: it runs the owner, which begins events and serves
// edges. A new owner starts a little behind what the service has applied, and edges refuse what they have.

import type { History } from "../history.ts";
import type { EdgeBeat, ToEdge, ToOwner } from "../messages.ts";
import { Owner } from "../owner.ts";
import { ALL_RULES } from "../rules.ts";
import type { LeadershipRules } from "./rules.ts";

/** The interface through which a leader acts on the model. */
export interface LeadingWorld {
  readonly rules: LeadershipRules;
  readonly edges: number;
  readonly history: History;
  below(bound: number): number;
  send(edge: number, message: ToEdge): void;
}

/** The leader's own state. */
export interface Applied {
  /** The newest event that was applied. */
  readonly events: number;
  follows(user: number, topic: number): boolean;
}

type FromEdge = { readonly message: ToOwner } | { readonly beat: EdgeBeat };

export class Leading {
  readonly term: number;
  readonly #world: LeadingWorld;
  readonly #applied: Applied;
  readonly #held = new Map<number, FromEdge[]>();
  #owner: Owner | undefined;

  constructor(world: LeadingWorld, applied: Applied, term: number) {
    this.#world = world;
    this.#applied = applied;
    this.term = term;
  }

  /** Whether it has announced itself to the edges. */
  get hasBegun(): boolean {
    return this.#owner !== undefined;
  }

  /** Keeps what an edge sends until the leader may act. */
  hold(edge: number, message: FromEdge): void {
    const held = this.#held.get(edge) ?? [];
    this.#held.set(edge, held);
    held.push(message);
  }

  reconnected(): void {
    this.#held.clear();
  }

  withdraw(user: number, topic: number, endings: number): void {
    this.#owner?.withdraw(user, topic, endings);
  }

  /** Serves edges, and begins and sends some events. */
  act(): void {
    this.#owner ??= this.#begin();
    this.#serveEdges(this.#owner);
    for (let steps = this.#world.below(4); steps > 0; steps -= 1) this.#owner.begin();
    if (this.#world.below(2) === 0) this.#owner.sendPart();
    for (let edge = 0; edge < this.#world.edges; edge += 1)
      if (this.#owner.hasPending(edge) && this.#world.below(2) === 0) this.#owner.flush(edge);
  }

  #begin(): Owner {
    const world = this.#world;
    const applied = this.#applied;
    const history = {
      base: 1,
      get last(): number {
        return applied.events;
      },
      at: (seq: number) => world.history.at(seq),
    };
    const ownerWorld = {
      rules: { ...ALL_RULES, lagging: world.rules.catchUpBeforeEdges },
      history,
      toss: () => world.below(2) === 0,
      follows: (user: number, topic: number) => applied.follows(user, topic),
      subscribed: () => new Set<number>(),
      send: (edge: number, message: ToEdge) => world.send(edge, message),
    };
    const announce: ToEdge = { kind: "announce", owner: this.term, epoch: 0 };
    for (let edge = 0; edge < world.edges; edge += 1) world.send(edge, announce);
    return new Owner(ownerWorld, this.term, Math.max(0, applied.events - world.below(6)));
  }

  #serveEdges(owner: Owner): void {
    for (const [edge, held] of this.#held) {
      for (let first = held[0]; first !== undefined; first = held[0]) {
        if ("message" in first && this.#isAhead(first.message)) break;
        held.shift();
        if ("beat" in first) owner.receiveBeat(edge, first.beat);
        else owner.receive(edge, first.message);
      }
    }
  }

  /** Returns whether a message refers to events that this service has not applied yet. */
  #isAhead(message: ToOwner): boolean {
    if (!this.#world.rules.catchUpBeforeEdges) return false;
    if (message.kind === "replay") return message.upTo > this.#applied.events;
    return message.kind === "snapshot" && (message.position?.main ?? 0) > this.#applied.events;
  }
}
