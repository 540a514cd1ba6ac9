// Kills one edge worker of many under load, and measures how many streams are cut and how long it takes until
// all are open again. `node dist/bench/kill-worker.js [workers] [streams] [messages per second]`

import { killOneWorker } from "../test/support/worker-death.ts";
import { report } from "./support/report.ts";

const [workers = 55, streams = 100_000, rate = 5_000] = process.argv.slice(2).map(Number);

report("kill worker", await killOneWorker(workers, streams, rate));
