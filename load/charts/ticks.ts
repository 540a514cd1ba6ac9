// Where an axis has its ticks and how they are written: round numbers, and for time the unit that suits its length.
// Leaf code of the charts.

/** Steps that people count in, per power of ten. */
const ROUND_STEPS = [1, 2, 2.5, 5, 10];

export interface Ticks {
  /** Ascending, the first at 0, the last at or above the extent that was asked for. */
  readonly values: readonly number[];
  /** What a value is divided by before it is written: 60 where seconds are shown as minutes. */
  readonly unit: number;
}

interface TimeUnit {
  readonly name: string;
  readonly seconds: number;
  /** The longest time shown in it. */
  readonly upTo: number;
  readonly steps: readonly number[];
}

const TIME_UNITS: readonly TimeUnit[] = [
  { name: "s", seconds: 1, upTo: 180, steps: [1, 2, 5, 10, 15, 20, 30, 60] },
  { name: "min", seconds: 60, upTo: 3 * 3_600, steps: [0.5, 1, 2, 5, 10, 15, 20, 30, 60] },
  { name: "h", seconds: 3_600, upTo: 3 * 86_400, steps: [0.25, 0.5, 1, 2, 3, 6, 12, 24] },
];
const DAYS: TimeUnit = { name: "days", seconds: 86_400, upTo: Number.POSITIVE_INFINITY, steps: ROUND_STEPS };

/** About `wanted` steps from 0 over `max`, all round numbers. A `max` that is not above 0 counts as 1. */
export function numberTicks(max: number, wanted: number): Ticks {
  const extent = max > 0 && Number.isFinite(max) ? max : 1;
  const power = 10 ** Math.floor(Math.log10(extent / wanted));
  const step = power * (ROUND_STEPS.find((round) => power * round >= extent / wanted) ?? 10);
  return { values: upTo(extent, step), unit: 1 };
}

/** The same for seconds, in the unit that `timeUnitOf` names. */
export function timeTicks(seconds: number, wanted: number): Ticks {
  const unit = unitOf(seconds);
  const extent = Math.max(seconds, unit.steps[0] ?? 1) / unit.seconds;
  const step = unit.steps.find((round) => round >= extent / wanted);
  const values = step === undefined ? numberTicks(extent, wanted).values : upTo(extent, step);
  return { values: values.map((value) => value * unit.seconds), unit: unit.seconds };
}

/** `s`, `min`, `h` or `days`. */
export function timeUnitOf(seconds: number): string {
  return unitOf(seconds).name;
}

/** A tick's text: thousands set apart, no digits that say nothing. */
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
