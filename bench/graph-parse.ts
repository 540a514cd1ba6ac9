// Measures the parser of follows alone: reads a file, adds up its ids, and does nothing else. `node
// dist/bench/graph-parse.js FILE`

import { createReadStream } from "node:fs";
import { FollowParser } from "../graph/load/follow-parser.ts";
import { startCpuMeter } from "./support/process-figures.ts";
import { report, round } from "./support/report.ts";

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error("pass a file: node dist/bench/graph-parse.js FILE");

let follows = 0;
let sum = 0;
const cpu = startCpuMeter();
const parser = new FollowParser({
  name: path,
  onBadLine(line, why) {
    throw new Error(`${path}:${line}: ${why}`);
  },
  onFollow(left, right) {
    follows += 1;
    sum += Number(left) + Number(right);
  },
});
for await (const piece of createReadStream(path, { highWaterMark: 1_048_576 }))
  parser.push(piece as Uint8Array);
parser.end();
report("graph parse", { follows, sum, "CPU s": round(cpu()) });
