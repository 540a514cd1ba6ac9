import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from "prom-client";
import { type MetricReport, WorkerCounts } from "./worker-counts.ts";

/** Returns the report of a worker with these counts. */
async function reportOf(opened: number, reason: string): Promise<MetricReport[]> {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: "opened_total", help: "h", registers }).inc(opened);
  new Counter({ name: "closed_total", help: "h", labelNames: ["reason"], registers }).inc({ reason }, 1);
  new Gauge({ name: "streams", help: "h", registers }).set(opened);
  new Histogram({ name: "wait_seconds", help: "h", buckets: [1, 2], registers }).observe(1.5);
  return (await registry.getMetricsAsJSON()) as unknown as MetricReport[];
}

const pageOf = (counts: WorkerCounts): Promise<string> =>
  AggregatorRegistry.aggregate([[...counts.ended]]).metrics();

describe("counts of workers that have ended", () => {
  it("counters and histograms - are kept as one sum per series, and gauges are not kept", async () => {
    const counts = new WorkerCounts();
    counts.keep(await reportOf(3, "slow"));
    counts.keep(await reportOf(4, "aged"));
    const page = await pageOf(counts);
    assert.match(page, /^opened_total 7$/m);
    assert.match(page, /^closed_total\{reason="slow"\} 1\nclosed_total\{reason="aged"\} 1$/m);
    assert.match(page, /^wait_seconds_bucket\{le="1"\} 0\nwait_seconds_bucket\{le="2"\} 2$/m);
    assert.match(page, /^wait_seconds_sum 3\nwait_seconds_count 2$/m);
    assert.doesNotMatch(page, /streams/);
  });

  it("ten thousand workers - take as much memory as one", async () => {
    const counts = new WorkerCounts();
    const report = await reportOf(1, "slow");
    counts.keep(report);
    const series = (): number => counts.ended.reduce((sum, { values }) => sum + values.length, 0);
    const before = series();
    for (let worker = 1; worker < 10_000; worker += 1) counts.keep(report);
    assert.equal(series(), before);
    assert.match(await pageOf(counts), /^opened_total 10000$/m);
  });

  it("worker that has reported nothing - leaves the counts unchanged", () => {
    const counts = new WorkerCounts();
    counts.keep([]);
    assert.deepEqual(counts.ended, []);
  });
});
