// encke graph check: describes an edge list without loading it: counts, degrees, and the power law that they
// follow.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Command, defineCommand, json, type Progress } from "../../lib/command.ts";
import { writing } from "../../lib/flag-files.ts";
import { strict, svg } from "../settings.ts";
import { checkFollows, type GraphShapeReport } from "../shape/check.ts";
import { drawDegrees } from "../shape/picture.ts";

export const graphCheck: Command = defineCommand({
  name: "graph check",
  summary: "describe an edge list: counts, degrees and their power law (`-` reads standard input)",
  parameters: ["<file>"],
  details:
    "The exponent is the maximum likelihood estimate of Clauset, Shalizi and Newman (2009), equation 3.7.",
  settings: { svg, strict, json },
  async run(context, { svg, strict, json }, [file = ""]) {
    const source = file === "-" ? { stream: process.stdin, name: "standard input" } : { path: file };
    const temporary = mkdtempSync(join(tmpdir(), "encke-check-"));
    let bar: Progress | undefined;
    try {
      const report = await checkFollows(source, {
        folder: join(temporary, "runs"),
        strict,
        onProgress(done, total) {
          bar ??= context.progress("reading", "bytes", total);
          bar.update(done);
        },
      });
      bar?.stop();
      for (const line of report.shown) context.note(line);
      if (svg !== undefined) {
        const picture = drawDegrees(report, `Degrees of ${basename(file)}`);
        await writing("--svg", svg, () => writeFileSync(svg, picture));
      }
      context.print(json ? JSON.stringify(asJson(report)) : asText(report));
    } finally {
      bar?.stop();
      rmSync(temporary, { recursive: true, force: true });
    }
  },
});

function asJson(report: GraphShapeReport): object {
  const { users, friendships, duplicates, selfFollows, badLines, lines, degrees, powerLaw } = report;
  const { min, max, mean } = degrees;
  const degree = { min, median: degrees.quantile(0.5), mean, p99: degrees.quantile(0.99), max };
  return { users, friendships, duplicates, selfFollows, badLines, lines, degree, powerLaw };
}

function asText(report: GraphShapeReport): string {
  const { degrees, powerLaw } = report;
  const number = (value: number): string => value.toLocaleString("en");
  return [
    `${number(report.users)} users, ${number(report.friendships)} friendships; skipped: ${number(report.duplicates)} duplicates, ` +
      `${number(report.selfFollows)} self follows, ${number(report.badLines)} bad lines`,
    `friends per user: minimum ${number(degrees.min)}, median ${number(degrees.quantile(0.5))}, ` +
      `mean ${degrees.mean.toFixed(2)}, 99th percentile ${number(degrees.quantile(0.99))}, maximum ${number(degrees.max)}`,
    powerLaw === undefined
      ? "power law: no user has four times the minimum number of friends, so there is no tail to fit"
      : `power law: exponent ${powerLaw.exponent.toFixed(3)} ± ${powerLaw.error.toFixed(3)} from degree ${number(powerLaw.from)} on (${number(powerLaw.users)} users)`,
  ].join("\n");
}
