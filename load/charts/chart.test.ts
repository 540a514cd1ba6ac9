import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Chart, type ChartPoint, drawChart } from "./chart.ts";
import { renderPng } from "./png.ts";
import { numberTicks, timeTicks, timeUnitOf } from "./ticks.ts";

const chart = (points: readonly ChartPoint[], more: Partial<Chart> = {}): Chart => ({
  title: "t",
  left: "MB",
  lines: [{ label: "a line", points, axis: "left", color: 0 }],
  ...more,
});
const pathsOf = (svg: string): string[] =>
  [...svg.matchAll(/<path d="([^"]*)" fill="none"/g)].map(([, path = ""]) => path);

describe("ticks", () => {
  const numbers: readonly (readonly [number, number[]])[] = [
    [0, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [7, [0, 2, 4, 6, 8]],
    [450, [0, 100, 200, 300, 400, 500]],
    [1_000_000, [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]],
  ];
  for (const [max, values] of numbers) {
    it(`numberTicks(${max}) - are round, and the last is at least the maximum`, () => {
      assert.deepEqual(numberTicks(max, 6).values, values);
    });
  }

  const times: readonly (readonly [number, string, number, number])[] = [
    [10, "s", 2, 1],
    [3_600, "min", 600, 60],
    [86_400, "h", 3 * 3_600, 3_600],
    [30 * 86_400, "days", 5 * 86_400, 86_400],
  ];
  for (const [seconds, name, step, unit] of times) {
    it(`timeTicks(${seconds}) - in ${name}`, () => {
      const ticks = timeTicks(seconds, 8);
      assert.equal(timeUnitOf(seconds), name);
      assert.deepEqual([ticks.values[1], ticks.unit], [step, unit]);
      assert.ok((ticks.values.at(-1) ?? 0) >= seconds);
    });
  }
});

describe("drawChart", () => {
  it("hostile text - is escaped, and control characters are removed", () => {
    const svg = drawChart(chart([[0, 1]], { title: '<script>&"\u0007', notes: ["<b>"] }));
    assert.match(svg, /&lt;script&gt;&amp;&quot;<\/text>/);
    assert.doesNotMatch(svg, /<script|<b>|\p{Cc}(?<!\n)/u);
  });

  it("missing value - leaves a gap", () => {
    const [path = ""] = pathsOf(
      drawChart(
        chart([
          [0, 1],
          [1, Number.NaN],
          [2, 1],
          [3, 1],
        ]),
      ),
    );
    assert.match(path, /^M[^ML]+M[^ML]+L[^ML]+$/);
  });

  it("a million points - are thinned, and a single peak remains", () => {
    const points = Array.from({ length: 1_000_000 }, (_, index): ChartPoint => [index, 10]);
    points[654_321] = [654_321, 500];
    const svg = drawChart(chart(points));
    assert.ok(svg.length < 60_000, `${svg.length} characters`);
    const heights = [...(pathsOf(svg)[0] ?? "").matchAll(/ ([\d.]+)/g)].map(([, y]) => Number(y));
    assert.ok(Math.min(...heights) < Math.max(...heights) - 300);
  });

  it("reference lines - extend the axis, and their labels do not overlap", () => {
    const references = [
      { label: "first", value: 78 },
      { label: "second", value: 79 },
    ];
    const svg = drawChart(chart([[0, 10]], { references }));
    const heightOf = (label: string): number =>
      Number(new RegExp(`y="([\\d.]+)"[^>]*>${label}<`).exec(svg)?.[1]);
    assert.ok(heightOf("first") - heightOf("second") >= 16);
    assert.match(svg, />80<\/text>/);
  });

  it("no data - still gives a chart", async () => {
    const png = await renderPng(drawChart(chart([])));
    assert.equal(Buffer.from(png.subarray(1, 4)).toString(), "PNG");
    assert.equal(Buffer.from(png).readUInt32BE(16), 1_920);
  });
});
