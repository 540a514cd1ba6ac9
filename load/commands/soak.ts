// encke soak: the article's 24-hour run, for any length, with a verdict on whether memory levels off or
// leaks, and whether all messages arrive.

import { join } from "node:path";
import { brokerKind, chooseNats, natsSettings } from "../../broker/index.ts";
import { edgeSettings } from "../../edge/index.ts";
import { type Command, defineCommand, json } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { writing } from "../../lib/flag-files.ts";
import { text } from "../../lib/schemas.ts";
import { pick, type Setting } from "../../lib/settings.ts";
import { checkFolder } from "../check-folder.ts";
import { openLog } from "../observe/memory-log.ts";
import type { MemorySample } from "../observe/memory-sample.ts";
import { runSoak, type SoakPlan } from "../observe/soak.ts";
import { judgeSoak, prepareReport, writeReport } from "../observe/soak-report.ts";
import { startOwnServices, useRunningEdge } from "../observe/soak-target.ts";
import { admin, connections, generators, logInterval, rate, report, seconds, warmUp } from "../settings.ts";

const DAY_SECONDS = 86_400;
const INTERVAL = { mostMs: 60_000, minMs: 250, partOfRun: 240 };

const runningEdge: Setting<string | undefined> = {
  value: "URL",
  help: "a running edge to use (by default it starts services of its own)",
  schema: text,
};

export const soak: Command = defineCommand({
  name: "soak",
  summary: "hold streams under load for a long time, and judge whether memory levels off or leaks",
  details: `Without --url it starts a broker, a graph service and an edge of its own, on free ports, and stops them. With --url
(and --admin, -s) it uses an edge of this machine that runs already and has nothing else to do. Ctrl-C ends it early, with
the report so far. --report gets report.md, memory.svg, memory.png and the logs. Exit 1 when a process leaks (its slope is
above the threshold with 95 % confidence) or a message was lost.`,
  settings: {
    ...{ broker: brokerKind, json, admin, interval: logInterval, warmUp, generators },
    report: { ...report, default: "encke-soak" },
    ...pick(edgeSettings, "pool", "fanout", "workers"),
    connections: { ...connections, default: 10_000 },
    rate: { ...rate, help: "messages per second, to random users" },
    seconds: { ...seconds, help: "length of the run", default: DAY_SECONDS },
    url: runningEdge,
    ...natsSettings,
  },
  async run(context, values) {
    const { url, connections, rate, generators, seconds = DAY_SECONDS, report: folder, warmUp } = values;
    await checkFolder("--report", folder);
    const nats = chooseNats(context, values);
    const target = await (url === undefined
      ? startOwnServices(context, {
          ...values,
          nats: nats.url === undefined ? undefined : nats.config,
        })
      : useRunningEdge(url, values.admin, nats.config));
    try {
      await prepareReport(folder, target.sources.keys());
      const logs = new Map<string, (sample: MemorySample) => void>();
      for (const name of target.sources.keys())
        logs.set(name, openLog(join(folder, `${name}.tsv`), "tsv", context.print));
      const plan: SoakPlan = {
        connections,
        rate,
        generators,
        seconds,
        intervalMs: values.interval ?? intervalFor(seconds),
        onSample: (name, sample) => logs.get(name)?.(sample),
      };
      const run = await runSoak(context, target, plan);
      const verdict = judgeSoak(plan, run, warmUp);
      await writing("--report", folder, () =>
        writeReport(folder, { plan, run, verdict, description: target.description }),
      );
      if (values.json) context.print(JSON.stringify(verdict));
      else {
        for (const [name, trend] of Object.entries(verdict.memory)) context.print(`${name} ${trend.verdict}`);
        context.print(`${verdict.sent} messages sent, ${verdict.read} read; report in ${folder}`);
      }
      if (verdict.problems.length > 0) throw new CommandError("CHECK_FAILED", verdict.problems.join("; "));
    } finally {
      await target.stop();
    }
  },
});

function intervalFor(seconds: number): number {
  const { mostMs, minMs, partOfRun } = INTERVAL;
  return Math.min(mostMs, Math.max(minMs, (seconds * 1000) / partOfRun));
}
