import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics } from "../../lib/metrics.ts";
import { valueIn } from "./scrape.ts";

const metrics = createMetrics();
metrics.gauge("streams", "Open streams", () => 19_000);
metrics.counter("opened", "By what became of them", () => ({ held: 1e21, refused: 0 }), "result");

describe("scrape", () => {
  it("series - is found by its full name and labels, in any number format", async () => {
    const page = await metrics.registry.metrics();
    assert.equal(valueIn(page, "streams"), 19_000);
    assert.equal(valueIn(page, 'opened{result="held"}'), 1e21);
    assert.equal(valueIn(page, 'opened{result="refused"}'), 0);
  });

  it("missing series - is NaN", async () => {
    const page = await metrics.registry.metrics();
    for (const series of ["stream", "opened", 'opened{result="lost"}'])
      assert.ok(Number.isNaN(valueIn(page, series)));
  });
});
