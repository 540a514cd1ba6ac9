// One edge worker of many is killed under load: how many streams were cut, and how long until all are back.
// `node dist/bench/kill-worker.js [workers] [streams] [messages a second]`

import { killOneWorker } from "../test/support/worker-death.ts";
import { report } from "./support/report.ts";

const [workers = 55, streams = 100_000, rate = 5_000] = process.argv.slice(2).map(Number);

report("kill worker", await killOneWorker(workers, streams, rate));
