// A chart with two logarithmic axes as SVG: dots, and a straight line. The caller bounds the number of
// points; each takes about 40 bytes.

import { drawSheet, FAINT, GRID, headHeight, INK, PALETTE, text } from "./svg.ts";

/** A point [x, y]; both are greater than 0. */
export type LogPoint = readonly [number, number];

export interface LogSeries {
  readonly label: string;
  readonly points: readonly LogPoint[];
}

export interface LogChart {
  readonly title: string;
  /** Explanations below the title, one line each. */
  readonly notes: readonly string[];
  /** Labels of the axes. */
  readonly x: string;
  readonly y: string;
  readonly dots: LogSeries;
  readonly line?: LogSeries;
}

const [WIDTH, PLOT_HEIGHT] = [760, 480];
const MARGIN = { left: 72, right: 36, bottom: 58 };
const AXIS_NAME_HEIGHT = 30;
const LEGEND_HEIGHT = 22;
const [DOT_COLOR = INK, LINE_COLOR = INK] = PALETTE;
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Maps values to pixels: the powers of ten `low` and `high` to `from` and `to`. */
interface LogScale {
  readonly low: number;
  readonly high: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Returns the chart as one SVG document on a white background. The axes extend to whole powers of ten. All
 * text is escaped.
 */
export function drawLogChart({ title, notes, x: xName, y: yName, dots, line }: LogChart): string {
  const top = headHeight(notes.length) + AXIS_NAME_HEIGHT;
  const bottom = top + PLOT_HEIGHT;
  const height = bottom + MARGIN.bottom;
  const points = [...dots.points, ...(line?.points ?? [])];
  const [xs, ys] = [points.map(([value]) => value), points.map(([, value]) => value)];
  const x = scaleOf(xs, MARGIN.left, WIDTH - MARGIN.right);
  const y = scaleOf(ys, bottom, top);
  return drawSheet({
    title,
    notes,
    width: WIDTH,
    height,
    left: MARGIN.left,
    content: [
      text(MARGIN.left, top - 12, yName, { fill: FAINT }),
      text((x.from + x.to) / 2, bottom + 44, xName, { fill: FAINT, anchor: "middle" }),
      drawGrid(x, y),
      dots.points
        .map(([px, py]) => `<circle cx="${at(x, px)}" cy="${at(y, py)}" r="3.5" fill="${DOT_COLOR}"/>`)
        .join("\n"),
      line === undefined ? "" : drawLine(line.points, x, y),
      drawLegend(dots, line, x.to, top),
    ],
  });
}

function scaleOf(values: readonly number[], from: number, to: number): LogScale {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  const low = logs.length === 0 ? 0 : Math.floor(Math.min(...logs));
  return { low, high: Math.max(low + 1, Math.ceil(Math.max(low, ...logs))), from, to };
}

function at({ low, high, from, to }: LogScale, value: number): number {
  return Number((from + ((Math.log10(value) - low) / (high - low)) * (to - from)).toFixed(1));
}

function drawGrid(x: LogScale, y: LogScale): string {
  const parts: string[] = [];
  for (let power = x.low; power <= x.high; power += 1) {
    const place = at(x, 10 ** power);
    parts.push(
      `<path d="M${place} ${y.to}V${y.from}" stroke="${power === x.low ? FAINT : GRID}"/>`,
      text(place, y.from + 20, powerText(power), { anchor: "middle" }),
    );
  }
  for (let power = y.low; power <= y.high; power += 1) {
    const place = at(y, 10 ** power);
    parts.push(
      `<path d="M${x.from} ${place}H${x.to}" stroke="${power === y.low ? FAINT : GRID}"/>`,
      text(x.from - 10, place + 4.5, powerText(power), { anchor: "end" }),
    );
  }
  return parts.join("\n");
}

function drawLine(points: readonly LogPoint[], x: LogScale, y: LogScale): string {
  const path = points.map(([px, py]) => `${at(x, px)} ${at(y, py)}`).join("L");
  return `<path d="M${path}" fill="none" stroke="${LINE_COLOR}" stroke-width="2"/>`;
}

function drawLegend(dots: LogSeries, line: LogSeries | undefined, right: number, top: number): string {
  const style = { anchor: "end", halo: true } as const;
  const parts = [text(right - 12, top + 24, dots.label, { ...style, fill: DOT_COLOR })];
  if (line !== undefined) {
    parts.push(text(right - 12, top + 24 + LEGEND_HEIGHT, line.label, { ...style, fill: LINE_COLOR }));
  }
  return parts.join("\n");
}

/** Formats a power of ten as 1, 10, 100, or as 10³ if that is shorter. */
function powerText(power: number): string {
  if (power >= 0 && power <= 2) return String(10 ** power);
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return `10${power < 0 ? "⁻" : ""}${digits}`;
}
