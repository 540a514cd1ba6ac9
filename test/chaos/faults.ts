// The faults that the chaos test injects, and what each does to a part. Every fault ends after its time, and
// then undoes what it did; the parts need some more time to recover. Stateless.

import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../graph/index.ts";
import type { LossyProxy } from "../support/lossy-proxy.ts";
import type { Part, Program } from "./part.ts";

export const FAULT_KINDS = [
  "kill",
  "pause",
  "restart",
  "cut",
  "silence",
  "slow",
  "lossy",
  "disk",
  "clock",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** One letter per kind for the timeline. */
export const FAULT_LETTERS: Readonly<Record<FaultKind, string>> = {
  ...{ kill: "K", pause: "P", restart: "R", cut: "C", silence: "N", slow: "S", lossy: "L", disk: "D" },
  clock: "T",
};

/** A fault as it was injected. Times are in milliseconds since 1970. */
export interface InjectedFault {
  readonly kind: FaultKind;
  readonly part: string;
  readonly of: Part["kind"];
  readonly fromMs: number;
  /** When it was undone; infinite before. */
  toMs: number;
  /** When the site was ready again; infinite before. */
  recoveredMs: number;
  /** By how much the wall clock was set, in milliseconds. */
  readonly clockMs: number;
}

/** How far wall clocks are set, in either direction. */
const HOUR_S = 3_600;
const MIN_DELAY_MS = 20;
const MAX_DELAY_MS = 300;
/** Links lose a message at every so many milliseconds, at most. */
const LOSS_EVERY_MS = 40;
const NOTHING = /^$/;
/** So little that the next write fails. */
const LEFT_ON_DISK_BYTES = 16_384;

/** Returns the kinds of fault that a part can have. */
export function kindsFor({ program, links, noticed, disk, clock }: Part): readonly FaultKind[] {
  return [
    ...(program === undefined ? [] : (["kill", "pause", "restart"] as const)),
    ...(links.length === 0 ? [] : (["cut", "silence", "slow"] as const)),
    ...(noticed === undefined ? [] : (["lossy"] as const)),
    ...(disk === undefined ? [] : (["disk"] as const)),
    ...(clock === undefined ? [] : (["clock"] as const)),
  ];
}

/** A fault to be injected: `run` resolves when it has been undone. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly clockMs: number;
  readonly run: () => Promise<void>;
}

/** Prepares a fault that lasts for this time. All that is random about it is decided here. */
export function planFault(kind: FaultKind, part: Part, lastsMs: number, random: Random): PlannedFault {
  const { links, noticed = NOTHING } = part;
  const forEachLink = (change: (link: LossyProxy) => void): void => links.forEach(change);
  const during = (begin: () => void, end: () => void) => async (): Promise<void> => {
    begin();
    try {
      await delay(lastsMs);
    } finally {
      end();
    }
  };
  const delayMs = MIN_DELAY_MS + random.below(MAX_DELAY_MS - MIN_DELAY_MS);
  const aheadS = random.below(2) === 0 ? HOUR_S : -HOUR_S;
  const runs: Readonly<Record<FaultKind, () => Promise<void>>> = {
    kill: () => kill(programOf(part), lastsMs),
    pause: () => pause(programOf(part), lastsMs),
    restart: async () => {
      await programOf(part).stop();
      await programOf(part).start();
    },
    cut: during(
      () => forEachLink((link) => link.sever(true)),
      () => forEachLink((link) => link.sever(false)),
    ),
    silence: during(
      () => forEachLink((link) => link.silence(true)),
      () => forEachLink((link) => link.silence(false)),
    ),
    slow: during(
      () => forEachLink((link) => slowDown(link, delayMs)),
      () => forEachLink((link) => slowDown(link, 0)),
    ),
    lossy: () => lose(links, noticed, lastsMs, random),
    disk: during(
      () => part.disk?.fill(LEFT_ON_DISK_BYTES),
      () => part.disk?.empty(),
    ),
    clock: during(
      () => part.clock?.set(aheadS),
      () => part.clock?.set(0),
    ),
  };
  return { kind, clockMs: kind === "clock" ? aheadS * 1_000 : 0, run: runs[kind] };
}

function programOf({ name, program }: Part): Program {
  if (program === undefined) throw new Error(`${name} has no process`);
  return program;
}

async function kill(program: Program, lastsMs: number): Promise<void> {
  for (const pid of program.pids()) process.kill(pid, "SIGKILL");
  if (program.isSupervised) return;
  await program.untilEnded();
  await delay(lastsMs);
  await program.start();
}

async function pause(program: Program, lastsMs: number): Promise<void> {
  const pids = program.pids();
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  try {
    await delay(lastsMs);
  } finally {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  }
}

function slowDown(link: LossyProxy, delayMs: number): void {
  link.delayMs = delayMs;
  link.upstreamDelayMs = delayMs;
}

async function lose(
  links: readonly LossyProxy[],
  subject: RegExp,
  lastsMs: number,
  random: Random,
): Promise<void> {
  const untilMs = performance.now() + lastsMs;
  while (performance.now() < untilMs) {
    for (const link of links) link.drop(subject);
    await delay(1 + random.below(LOSS_EVERY_MS));
  }
  for (const link of links) link.drop(NOTHING, 0);
}
