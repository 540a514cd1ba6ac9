// The proof that a deployment works: what docs/deploy.md says, done to real hosts, with readers over TLS all the while.
// Each step says what it found; the first that fails ends the run, and the hosts go down in any case.

import { InfraError } from "../errors.ts";
import { makeCheckout } from "./checkout.ts";
import { dayTwoSteps, READERS_STEP } from "./day-two.ts";
import { DAY_TWO, FIRST_DAY } from "./exceptions.ts";
import { Lab } from "./lab.ts";
import { Operator } from "./operator.ts";
import type { Readers } from "./readers.ts";
import { steps as firstDaySteps, type Stage } from "./steps.ts";

/** No run may take longer, whatever hangs. */
const TIME_MS = 2_400_000;

export interface EndToEndOptions {
  readonly streams: number;
  /** Leave the hosts up. */
  readonly keep: boolean;
  /** The recipes of "Day two" instead of releases and reboots. */
  readonly dayTwo?: boolean;
  /** Begin with the first step whose name contains this, on hosts that an earlier run left up. */
  readonly from?: string | undefined;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** Whether every step held. @throws InfraError LAB_UNFIT, LAB_BUSY before anything was made */
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
      await makeCheckout(ending); // with what was changed since
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
        // hosts that are up already are somebody else's
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
