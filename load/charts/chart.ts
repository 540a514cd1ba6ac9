// A line chart as SVG: time along the bottom, one axis on the left and optionally one on the right,
// horizontal reference lines, and a legend. It has no dependencies. Colors are the Okabe–Ito palette, which
// color-blind readers can distinguish, and lines also differ in their dashes. A line of any length is thinned
// to what the chart can show.

import { drawSheet, FAINT, GRID, headHeight, INK, PALETTE, text } from "./svg.ts";
import { numberTicks, type Ticks, tickText, timeTicks, timeUnitOf } from "./ticks.ts";

/** A point [seconds, value]; a value that is not finite leaves a gap. */
export type ChartPoint = readonly [number, number];

export interface ChartLine {
  readonly label: string;
  readonly points: readonly ChartPoint[];
  /** The axis on which it is read. */
  readonly axis: "left" | "right";
  /** Index in the palette, modulo its length. */
  readonly color: number;
  readonly stroke?: "solid" | "dashed" | "dotted";
}

/** A horizontal line at a value of the left axis. */
export interface ChartReference {
  readonly label: string;
  readonly value: number;
}

export interface Chart {
  readonly title: string;
  /** Explanations below the title, one line each. */
  readonly notes?: readonly string[];
  /** The label with its unit: `memory, MB`. */
  readonly left: string;
  readonly right?: string;
  readonly lines: readonly ChartLine[];
  readonly references?: readonly ChartReference[];
}

const DASHES = { solid: "", dashed: ' stroke-dasharray="7 4"', dotted: ' stroke-dasharray="2 4"' };
const [WIDTH, PLOT_HEIGHT] = [960, 380];
const MARGIN = { left: 84, right: 84, bottom: 62 };
const [LEGEND_HEIGHT, AXIS_NAME_HEIGHT] = [22, 26];
/** Average width of a character at 13 px, rounded up, because text cannot be measured here. */
const CHAR_WIDTH = 7.1;
const LEGEND_SAMPLE = 34;
const LEGEND_GAP = 22;
/** Minimum distance between the labels of reference lines. */
const LABEL_HEIGHT = 16;
const X_TICKS = 8;
const Y_TICKS = 6;
/** Space above the highest value, as a factor. */
const HEADROOM = 1.04;

/** Returns the chart as one self-contained SVG document on a white background. All text is escaped. */
export function drawChart(chart: Chart): string {
  const { title, notes = [], lines, references = [], left, right } = chart;
  const legend = layOutLegend(lines);
  const top = headHeight(notes.length) + legend.rows * LEGEND_HEIGHT + AXIS_NAME_HEIGHT;
  const height = top + PLOT_HEIGHT + MARGIN.bottom;
  const seconds = highest(lines.map(({ points }) => points.map(([x]) => x)));
  const x: Scale = {
    ticks: timeTicks(seconds, X_TICKS),
    max: seconds > 0 ? seconds : 1,
    from: MARGIN.left,
    to: WIDTH - MARGIN.right,
  };
  const yScale = (axis: "left" | "right", more: readonly number[]): Scale => {
    const values = lines.filter((line) => line.axis === axis).map(({ points }) => points.map(([, y]) => y));
    const ticks = numberTicks(highest([...values, more]) * HEADROOM, Y_TICKS);
    return { ticks, max: ticks.values.at(-1) ?? 1, from: top + PLOT_HEIGHT, to: top };
  };
  const scales = {
    left: yScale(
      "left",
      references.map(({ value }) => value),
    ),
    right: yScale("right", []),
  };
  return drawSheet({
    title,
    notes,
    width: WIDTH,
    height,
    left: MARGIN.left,
    content: [
      drawLegend(legend, top - AXIS_NAME_HEIGHT - legend.rows * LEGEND_HEIGHT),
      drawFrame(x, scales, { left, right }, top, timeUnitOf(seconds)),
      references.map(({ value }) => drawReference(value, scales.left, x)).join("\n"),
      lines.map((line) => drawLine(line, x, scales[line.axis])).join("\n"),
      nameReferences(references, scales.left, x),
    ],
  });
}

/** Maps values to pixels: 0 to `from`, and `max` to `to`. */
interface Scale {
  readonly ticks: Ticks;
  readonly max: number;
  readonly from: number;
  readonly to: number;
}

function at({ max, from, to }: Scale, value: number): number {
  return Number((from + (value / max) * (to - from)).toFixed(1));
}

function highest(groups: readonly (readonly number[])[]): number {
  let most = 0;
  for (const group of groups) for (const value of group) if (value > most && value < Infinity) most = value;
  return most;
}

function drawFrame(
  x: Scale,
  { left, right }: { readonly left: Scale; readonly right: Scale },
  names: { readonly left: string; readonly right: string | undefined },
  top: number,
  timeUnit: string,
): string {
  const bottom = top + PLOT_HEIGHT;
  const parts = [
    text(MARGIN.left, top - 12, names.left, { fill: FAINT }),
    text((x.from + x.to) / 2, bottom + 46, `time, ${timeUnit}`, { fill: FAINT, anchor: "middle" }),
  ];
  for (const value of left.ticks.values) {
    const y = at(left, value);
    parts.push(
      `<path d="M${x.from} ${y}H${x.to}" stroke="${value === 0 ? FAINT : GRID}"/>`,
      text(x.from - 10, y + 4.5, tickText(value), { anchor: "end" }),
    );
  }
  if (names.right !== undefined) {
    parts.push(text(x.to, top - 12, names.right, { fill: FAINT, anchor: "end" }));
    for (const value of right.ticks.values) {
      const y = at(right, value);
      parts.push(
        `<path d="M${x.to} ${y}h5" stroke="${FAINT}"/>`,
        text(x.to + 10, y + 4.5, tickText(value), {}),
      );
    }
  }
  for (const value of x.ticks.values.filter((tick) => tick <= x.max * 1.0001)) {
    const position = at(x, value);
    parts.push(
      `<path d="M${position} ${bottom}v5" stroke="${FAINT}"/>`,
      text(position, bottom + 22, tickText(value / x.ticks.unit), { anchor: "middle" }),
    );
  }
  return parts.join("\n");
}

function drawReference(value: number, scale: Scale, { from, to }: Scale): string {
  return `<path d="M${from} ${at(scale, value)}H${to}" stroke="${FAINT}" stroke-dasharray="2 3"/>`;
}

/** Labels at the right end, above all lines; labels that would overlap are moved upwards. */
function nameReferences(references: readonly ChartReference[], scale: Scale, x: Scale): string {
  let free = Infinity;
  return references
    .toSorted((a, b) => a.value - b.value)
    .map(({ label, value }) => {
      const y = Math.min(at(scale, value) - 5, free);
      free = y - LABEL_HEIGHT;
      return text(x.to - 6, y, label, { fill: FAINT, anchor: "end", halo: true });
    })
    .join("\n");
}

function drawLine({ points, color, stroke }: ChartLine, x: Scale, y: Scale): string {
  let path = "";
  let pen = "M";
  for (const [seconds, value] of thin(points, x.to - x.from)) {
    if (Number.isFinite(value)) {
      path += `${pen}${at(x, seconds)} ${at(y, Math.max(0, value))}`;
      pen = "L";
    } else pen = "M";
  }
  return `<path d="${path}" fill="none" stroke="${colorOf(color)}" stroke-width="2" stroke-linejoin="round"${DASHES[stroke ?? "solid"]}/>`;
}

/** Keeps at most two points per pixel, the lowest and the highest, so that no peak is lost. */
function thin(points: readonly ChartPoint[], pixels: number): readonly ChartPoint[] {
  if (points.length <= pixels * 2) return points;
  const size = Math.ceil(points.length / pixels);
  const kept: ChartPoint[] = [];
  for (let from = 0; from < points.length; from += size) {
    const some = points.slice(from, from + size).toSorted((a, b) => a[1] - b[1]);
    const [low, high] = [some[0], some.at(-1)] as [ChartPoint, ChartPoint];
    kept.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return kept;
}

interface Legend {
  readonly rows: number;
  readonly entries: readonly { readonly line: ChartLine; readonly x: number; readonly row: number }[];
}

function layOutLegend(lines: readonly ChartLine[]): Legend {
  let x = MARGIN.left;
  let row = 0;
  const entries = lines.map((line) => {
    const width = LEGEND_SAMPLE + line.label.length * CHAR_WIDTH + LEGEND_GAP;
    if (x > MARGIN.left && x + width - LEGEND_GAP > WIDTH - MARGIN.right) {
      x = MARGIN.left;
      row += 1;
    }
    const entry = { line, x, row };
    x += width;
    return entry;
  });
  return { rows: row + 1, entries };
}

function drawLegend({ entries }: Legend, top: number): string {
  return entries
    .map(({ line: { label, color, stroke }, x, row }) => {
      const y = top + row * LEGEND_HEIGHT + 16;
      const sample = `<path d="M${x} ${y - 4.5}h${LEGEND_SAMPLE - 8}" stroke="${colorOf(color)}" stroke-width="2.5"${DASHES[stroke ?? "solid"]}/>`;
      return sample + text(x + LEGEND_SAMPLE, y, label, {});
    })
    .join("\n");
}

function colorOf(index: number): string {
  return PALETTE[index % PALETTE.length] ?? INK;
}
