// One random walk of the leadership model: a minute of simulated time with faults, then a calm time in which
// every partition must get a leader again and every reader must receive what it is owed.

import { Faults } from "./faults.ts";
import { NODES } from "./network.ts";
import type { LeadershipRules } from "./rules.ts";
import { type LeadershipCounts, World } from "./world.ts";

const STEPS = 450;
/** Steps after a last fault that a leader may survive with a term which the edges refuse. */
const BLIND_STEPS = 100;
/** Steps of the calm time: the longest count of silence, election and catch-up several times over. */
const MAX_CALM_STEPS = 400;
/** Steps for the readers after every partition has a leader. */
const DRAIN_STEPS = 60;

export interface LeadershipWalk {
  /** Violations, one text each. */
  readonly problems: readonly string[];
  readonly counts: LeadershipCounts;
}

/** Performs the walk of a seed. */
export function walkLeadership(seed: number, rules: LeadershipRules): LeadershipWalk {
  const world = new World(seed, rules);
  const faults = new Faults(world);
  for (let step = 0; step < STEPS && world.problems.length === 0; step += 1) {
    act(world);
    faults.step();
    world.step();
  }
  if (world.below(8) === 0) {
    faults.restoreBlindly();
    for (let step = 0; step < BLIND_STEPS; step += 1) world.step();
  }
  if (world.problems.length === 0) settle(world);
  return { problems: world.problems, counts: world.counts };
}

function act(world: World): void {
  if (world.below(2) === 0) world.publish();
  if (world.below(2) === 0) world.ask(true);
  if (world.below(2) === 0) world.ask(false);
  if (world.below(60) === 0) world.snapshot(world.below(world.parts.length));
  for (let moves = 0; moves < 4; moves += 1) world.audience.move();
}

function settle(world: World): void {
  heal(world);
  if (!awaitLeaders(world)) {
    world.problems.push("a partition has no leader");
    return;
  }
  for (let steps = 0; steps < DRAIN_STEPS || !world.isQuiet; steps += 1) {
    world.step();
    world.audience.drain();
    if (steps > MAX_CALM_STEPS) {
      world.problems.push("restless");
      return;
    }
  }
  world.check();
}

/** Returns whether every partition has exactly one leader in time. */
function awaitLeaders(world: World): boolean {
  for (let steps = 0; steps < MAX_CALM_STEPS; steps += 1) {
    if (world.parts.every((_, partition) => world.leadersOf(partition).length === 1)) return true;
    world.step();
  }
  return false;
}

/** Ends every fault. */
function heal(world: World): void {
  for (let a = 0; a < NODES; a += 1) {
    world.network.isUp[a] = true;
    for (let b = 0; b < a; b += 1) world.network.repair(a, b);
  }
  for (const service of world.services) {
    for (const partition of world.allPartitions) {
      service.logOf(partition).resume();
      service.streamOf(partition).resume();
    }
    world.wake(service);
    if (!service.isRunning || service.seats.size < world.parts.length)
      world.start(service, world.allPartitions);
  }
}
