import { test } from "node:test";
import { waitFor } from "../test/support/wait-for.ts";
import { collectWhenQuiet } from "./collector.ts";

const LOOK_MS = 40;

test("idle collection - runs once after each busy period, when the process is idle", async () => {
  const collected: boolean[] = [];
  let isFreed = false;
  const registry = new FinalizationRegistry(() => {
    isFreed = true;
  });
  (() => registry.register(new ArrayBuffer(1_048_576), undefined))();
  const stop = collectWhenQuiet({ lookMs: LOOK_MS, onCollect: () => collected.push(true) });
  try {
    await waitFor("the first collection", () => collected.length === 1);
    await waitFor("the unreferenced object to be freed", () => isFreed);
    const until = performance.now() + LOOK_MS * 3;
    while (performance.now() < until) Math.sqrt(until); // busy during at least one check
    await waitFor("the collection after the next busy period", () => collected.length === 2);
  } finally {
    stop();
  }
});
