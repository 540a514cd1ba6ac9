// A process that changes a graph as fast as it can until it is killed. It prints how many calls were
// acknowledged so far, one number per line, so that a test can tell what must be on disk.
//
//    node dist/test/support/changing-graph.js FOLDER SEED

import { GraphStore } from "../../graph/index.ts";
import { codeOf } from "../../lib/errors.ts";
import { changesOf } from "./random-changes.ts";

const AT_ONCE = 64;
const [directory = "", seed = "0"] = process.argv.slice(2);

try {
  const store = await GraphStore.open(directory);
  let handedIn = 0;
  let acknowledged = 0;
  const change = async (): Promise<void> => {
    for (;;) {
      handedIn += 1;
      await store.apply(changesOf(Number(seed), handedIn - 1));
      acknowledged += 1;
      process.stdout.write(`${acknowledged}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, change));
} catch (error) {
  process.stdout.write(`${codeOf(error)}\n`);
  process.exitCode = 1;
}
