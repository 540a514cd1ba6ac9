// encke plot: draws one or several memory logs as SVG or PNG.

import { basename, extname } from "node:path";
import { type Command, defineCommand } from "../../lib/command.ts";
import { readTextFile } from "../../lib/flag-files.ts";
import { drawChart } from "../charts/chart.ts";
import { articleReferences, memoryChart, mostConnections, parseReference } from "../observe/memory-chart.ts";
import { parseLog } from "../observe/memory-sample.ts";
import { writePicture } from "../observe/picture.ts";
import { article, label, out, reference, title } from "../settings.ts";

export const plot: Command = defineCommand({
  name: "plot",
  summary: "draw logs of `encke memlog` as an SVG or PNG chart",
  parameters: ["<file...>"],
  details:
    "Writes SVG, or PNG if --out ends in .png. All logs share the axes, and each starts at time 0. 1 MB is 1,024 KB.",
  settings: { out, reference, article, label, title },
  async run({ print }, { out, reference, article, label, title = "Memory and connections" }, files) {
    const given = reference.map(parseReference);
    const logs = files.map((file, index) => ({
      label: label[index] ?? basename(file, extname(file)),
      samples: parseLog(readTextFile("FILE", file), file),
    }));
    const references = [...(article ? articleReferences(article, mostConnections(logs)) : []), ...given];
    const chart = memoryChart(logs, { title, references });
    if (out === undefined) return print(drawChart(chart).trimEnd());
    await writePicture(out, chart);
  },
});
