// A process that changes a graph as fast as it can until it is killed. It prints how many calls were
// acknowledged so far, one number per line, so that a test can tell what must be on disk. With NATS' address
// it makes the changes through a change log; with a number, it kills itself once the log has acknowledged so
// many records, before the last of them is written to the rows.
//
//    node dist/test/support/changing-graph.js FOLDER SEED [NATS [RECORDS]]

import { GraphStore, type PartitionLog } from "../../graph/index.ts";
import { codeOf } from "../../lib/errors.ts";
import { LoggedStore } from "./logged-store.ts";
import { changesOf } from "./random-changes.ts";
import { WrappedLog } from "./wrapped-log.ts";

const AT_ONCE = 64;
const [directory = "", seed = "0", nats, records = "0"] = process.argv.slice(2);

try {
  const store = await open();
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

async function open(): Promise<GraphStore> {
  if (nats === undefined) return GraphStore.open(directory);
  const wrap = records === "0" ? undefined : dyingLog;
  return (await LoggedStore.open({ directory, url: nats, ...(wrap && { wrap }) })).store;
}

function dyingLog(log: PartitionLog): PartitionLog {
  const dying = new WrappedLog(log);
  let left = Number(records);
  dying.onStored = () => {
    left -= 1;
    if (left === 0) process.kill(process.pid, "SIGKILL");
  };
  return dying;
}
