// The fan-out modes and pools with which the suites of this folder run, and which suites do. The short form,
// which is part of `npm test`, takes a minute and a half; RESUME_FULL=1 runs everything, in eight minutes.

import type { FanoutMode } from "../../broker/index.ts";
import { defaultPoolKind, type PoolKind } from "../../edge/index.ts";

export const IS_FULL: boolean = process.env.RESUME_FULL === "1";

const MODES: readonly FanoutMode[] = ["frames", "subject"];

export interface Ground {
  readonly fanout: FanoutMode;
  readonly pool: PoolKind;
}

/** Why a suite is left out of the short form. */
export const ONLY_FULL: string | false = IS_FULL ? false : "RESUME_FULL=1 runs it";

/** Returns the modes of a suite. @param short the only one of the short form */
export function modesOf(short: FanoutMode): readonly FanoutMode[] {
  return IS_FULL ? MODES : [short];
}

/** Returns the modes and pools of a suite. */
export function groundsOf(): readonly Ground[] {
  const pools = [...new Set<PoolKind>([defaultPoolKind(), "plain"])];
  const all = MODES.flatMap((fanout) => pools.map((pool) => ({ fanout, pool })));
  return IS_FULL ? all : all.filter(({ fanout, pool }) => (fanout === "subject") === (pool === "plain"));
}
