import { test } from "node:test";
import { waitFor } from "../test/support/wait-for.ts";
import { collectWhenQuiet } from "./collector.ts";

const LOOK_MS = 40;

test("garbage of a busy stretch is collected when the process is quiet, once", async () => {
  const collected: boolean[] = [];
  let isFreed = false;
  const registry = new FinalizationRegistry(() => {
    isFreed = true;
  });
  (() => registry.register(new ArrayBuffer(1_048_576), undefined))();
  const stop = collectWhenQuiet({ lookMs: LOOK_MS, onCollect: () => collected.push(true) });
  try {
    await waitFor("the first quiet look", () => collected.length === 1);
    await waitFor("what nobody holds to be freed", () => isFreed);
    const until = performance.now() + LOOK_MS * 3;
    while (performance.now() < until) Math.sqrt(until); // busy through at least one look
    await waitFor("the look after the next busy stretch", () => collected.length === 2);
  } finally {
    stop();
  }
});
