// The end-to-end test of a deployment: follows docs/deploy.md on real hosts, while readers are connected over
// TLS. Each step prints what it found. The first one that fails ends the run, and the hosts are removed in
// any case.

import { InfraError } from "../errors.ts";
import { makeCheckout } from "./checkout.ts";
import { dayTwoSteps, READERS_STEP } from "./day-two.ts";
import { DAY_TWO, FIRST_DAY } from "./exceptions.ts";
import { Lab } from "./lab.ts";
import { Operator } from "./operator.ts";
import type { Readers } from "./readers.ts";
import { steps as firstDaySteps, type Stage } from "./steps.ts";

/** Maximum time of a run. */
const TIME_MS = 2_400_000;

export interface EndToEndOptions {
  readonly streams: number;
  /** Keeps the hosts after the run. */
  readonly keep: boolean;
  /** Follows the recipes of "Day two" instead of releases and reboots. */
  readonly dayTwo?: boolean;
  /** Begins with the first step whose name contains this, on hosts that an earlier run kept. */
  readonly from?: string | undefined;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** Returns whether every step passed. @throws InfraError LAB_UNFIT, LAB_BUSY before anything was made */
export async function runEndToEnd({
  streams,
  keep,
  dayTwo = false,
  from = "",
  signal,
  print,
}: EndToEndOptions): Promise<boolean> {
  const lab = await Lab.create(print);
  const steps = dayTwo ? dayTwoSteps : firstDaySteps;
  const ending = AbortSignal.any([signal, AbortSignal.timeout(TIME_MS)]);
  const stage: Stage = {
    lab,
    streams,
    signal: ending,
    operator: new Operator(lab, ending, dayTwo ? [...FIRST_DAY, ...DAY_TWO] : FIRST_DAY),
    readers: undefined,
    old: "1",
    next: "2",
    broken: "broken",
  };
  const startedAtMs = performance.now();
  const results: boolean[] = [];
  const first = steps.findIndex(([name]) => name.includes(from));
  const chosen = steps.slice(Math.max(0, first));
  let mine = chosen.length < steps.length;
  if (dayTwo && !chosen.some(([name]) => READERS_STEP.test(name)))
    chosen.unshift(...steps.filter(([name]) => READERS_STEP.test(name)));
  try {
    if (mine) {
      stage.operator.resume(["release", "packages-use"]);
      await makeCheckout(ending); // a new one, with the changes since the earlier run
    }
    for (const [name, step] of chosen) {
      const fromMs = performance.now();
      const seconds = (): string => `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;
      try {
        const found = await step(stage);
        mine = true;
        print(`ok      ${name.padEnd(34)} ${seconds().padStart(7)}  ${found}`);
        results.push(true);
      } catch (error) {
        // the hosts that are up belong to another run, which must keep them
        if (error instanceof InfraError && error.code === "LAB_BUSY") throw error;
        mine = true;
        print(`FAILED  ${name.padEnd(34)} ${seconds().padStart(7)}  ${String(error)}`);
        results.push(false);
        break;
      }
    }
  } finally {
    await (stage.readers as Readers | undefined)?.stop();
    if (mine && !keep) results.push(await endLab(lab, print));
  }
  const passed = results.every(Boolean) && results.length >= chosen.length;
  const failed = results.filter((ok) => !ok).length;
  print(`${results.length - failed} passed, ${failed} failed`);
  print(`${passed ? "green" : "RED"} after ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);
  return passed;
}

async function endLab(lab: Lab, print: (line: string) => void): Promise<boolean> {
  await lab.down();
  const remains = await lab.remains();
  const clean = remains.length === 0;
  print(
    `${clean ? "ok    " : "FAILED"}  ${"down".padEnd(34)} ${clean ? "nothing left behind" : remains.join(", ")}`,
  );
  return clean;
}
