import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { drawLogChart, type LogPoint } from "./log-chart.ts";
import { renderPng } from "./png.ts";

const draw = (points: readonly LogPoint[], line?: readonly LogPoint[]): string =>
  drawLogChart({
    ...{ title: "t", notes: ["a note"], x: "across", y: "up" },
    dots: { label: "dots & more", points },
    ...(line === undefined ? {} : { line: { label: "a line", points: line } }),
  });
const dotsOf = (svg: string): number[][] =>
  [...svg.matchAll(/<circle cx="([^"]*)" cy="([^"]*)"/g)].map(([, x, y]) => [Number(x), Number(y)]);

describe("drawLogChart", () => {
  it("powers of ten - are equally spaced, and a power law is a straight line", () => {
    const points = [1, 10, 100, 1_000].map((x): LogPoint => [x, x ** -2]);
    const [a, b, c, d] = dotsOf(draw(points)) as [number[], number[], number[], number[]];
    for (const axis of [0, 1]) {
      const steps = [a, b, c].map((dot, index) => ([b, c, d][index]?.[axis] ?? 0) - (dot[axis] ?? 0));
      assert.ok(Math.max(...steps) - Math.min(...steps) < 0.3, `steps of ${steps}`);
    }
    assert.ok((a[1] ?? 0) < (d[1] ?? 0), "the smallest value is at the bottom");
  });

  it("axes - extend to whole powers of ten and are labeled with them", () => {
    const svg = draw([
      [3, 0.0002],
      [4_000, 0.5],
    ]);
    for (const power of ["1", "10", "100", "10³", "10⁴", "10⁻⁴", "10⁻¹"]) {
      assert.ok(svg.includes(`>${power}</text>`), power);
    }
    assert.ok(!svg.includes("10⁻⁵"));
  });

  it("hostile labels - are escaped", () => {
    assert.match(draw([[1, 1]]), /dots &amp; more/);
  });

  for (const [what, points] of [
    ["no point", []],
    ["one point", [[7, 7]]],
  ] as const) {
    it(`${what} - still gives a chart`, async () => {
      const svg = draw(points, points);
      assert.ok(!svg.includes("NaN") && !svg.includes("Infinity"), svg);
      assert.ok((await renderPng(svg)).length > 1_000);
    });
  }
});
