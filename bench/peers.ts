// Compares Encke with other libraries that hold many connections, and with the floor of a bare send() loop:
// memory per stream, cost per accept and per message, latency. Each runs in a fresh process, one at a time,
// in an order that rotates between rounds. The first Encke row runs twice, which shows the noise of the
// machine. `node dist/bench/peers.js --help`

import { parseArgs } from "node:util";
import { messageOf } from "../lib/errors.ts";
import { type Figures, measure, type Plan } from "./peers/measure.ts";
import { markdownTable } from "./peers/table.ts";
import { listVariants, type Variant } from "./peers/variants.ts";
import { report } from "./support/report.ts";

const HELP = `node dist/bench/peers.js [--streams 5000] [--rounds 2] [--messages 200000] [--rate 5000] [--seconds 10]
  [--still 15]   memory must stand still for so many seconds
  [--only TEXT]  only rows whose name contains it (the floor always runs)
`;

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "5000" },
    rounds: { type: "string", default: "2" },
    messages: { type: "string", default: "200000" },
    rate: { type: "string", default: "5000" },
    seconds: { type: "string", default: "10" },
    still: { type: "string", default: "15" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const plan: Plan = {
  streams: Number(values.streams),
  messages: Number(values.messages),
  rate: Number(values.rate),
  seconds: Number(values.seconds),
  stillSeconds: Number(values.still),
};

const { variants, skipped } = listVariants();
for (const name of skipped) process.stderr.write(`${name}: not in this build, skipped\n`);
const [floor, ...others] = variants as [Variant, ...Variant[]];
const chosen = others.filter(({ name }) => name.includes(values.only));
const [first] = chosen;
const rows = [
  floor,
  ...chosen,
  ...(first === undefined ? [] : [{ ...first, name: `${first.name} (again)` }]),
];
const results = new Map<string, Figures[]>(rows.map(({ name }) => [name, []]));

for (let round = 0; round < Number(values.rounds); round += 1) {
  const turned = rows.map(
    (_, index) => rows[(index + round * Math.ceil(rows.length / 2)) % rows.length] as Variant,
  );
  for (const variant of turned) {
    try {
      const figures = await measure(variant, plan);
      results.get(variant.name)?.push(figures);
      report("peers", { round, variant: variant.name, ...plan, ...figures });
    } catch (error) {
      process.exitCode = 1; // this row is missing, but the others are still useful
      report("peers", { round, variant: variant.name, ...plan, failed: messageOf(error) });
    }
  }
}
process.stdout.write(`\n${markdownTable(results)}\n`);
