// Positions and labels of an axis's ticks: round numbers, and for time the unit that suits the length.

/** Steps per power of ten that people count in. */
const ROUND_STEPS = [1, 2, 2.5, 5, 10];

export interface Ticks {
  /** Ascending; the first is 0, and the last is at least the requested extent. */
  readonly values: readonly number[];
  /** Divisor for labels: 60 if seconds are shown as minutes. */
  readonly unit: number;
}

interface TimeUnit {
  readonly name: string;
  readonly seconds: number;
  /** The longest time that is shown in this unit. */
  readonly upTo: number;
  readonly steps: readonly number[];
}

const TIME_UNITS: readonly TimeUnit[] = [
  { name: "s", seconds: 1, upTo: 180, steps: [1, 2, 5, 10, 15, 20, 30, 60] },
  { name: "min", seconds: 60, upTo: 3 * 3_600, steps: [0.5, 1, 2, 5, 10, 15, 20, 30, 60] },
  { name: "h", seconds: 3_600, upTo: 3 * 86_400, steps: [0.25, 0.5, 1, 2, 3, 6, 12, 24] },
];
const DAYS: TimeUnit = { name: "days", seconds: 86_400, upTo: Number.POSITIVE_INFINITY, steps: ROUND_STEPS };

/**
 * Returns about `wanted` steps from 0 to at least `max`, all round numbers. A `max` that is not above 0
 * counts as 1.
 */
export function numberTicks(max: number, wanted: number): Ticks {
  const extent = max > 0 && Number.isFinite(max) ? max : 1;
  const power = 10 ** Math.floor(Math.log10(extent / wanted));
  const step = power * (ROUND_STEPS.find((round) => power * round >= extent / wanted) ?? 10);
  return { values: upTo(extent, step), unit: 1 };
}

/** Returns ticks for seconds, in the unit that `timeUnitOf` returns. */
export function timeTicks(seconds: number, wanted: number): Ticks {
  const unit = unitOf(seconds);
  const extent = Math.max(seconds, unit.steps[0] ?? 1) / unit.seconds;
  const step = unit.steps.find((round) => round >= extent / wanted);
  const values = step === undefined ? numberTicks(extent, wanted).values : upTo(extent, step);
  return { values: values.map((value) => value * unit.seconds), unit: unit.seconds };
}

/** Returns `s`, `min`, `h` or `days`. */
export function timeUnitOf(seconds: number): string {
  return unitOf(seconds).name;
}

/** Formats a tick: with separated thousands, and without digits that have no meaning. */
export function tickText(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 6 });
}

function unitOf(seconds: number): TimeUnit {
  return TIME_UNITS.find((unit) => seconds <= unit.upTo) ?? DAYS;
}

function upTo(extent: number, step: number): number[] {
  const steps = Math.ceil(extent / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}
