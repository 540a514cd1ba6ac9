// A chart into a file, as the file's name asks: SVG or PNG.

import { writeFileSync } from "node:fs";
import { extname } from "node:path";
import { type Chart, drawChart } from "../../lib/chart.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { renderPng } from "../../lib/png.ts";
import { CliError } from "../errors.ts";

const RENDERERS: Readonly<Record<string, (svg: string) => Promise<string | Uint8Array>>> = {
  ".svg": async (svg) => svg,
  ".png": renderPng,
};

/** @throws CliError USAGE for another ending than .svg or .png, or a place that cannot be written */
export async function writePicture(path: string, chart: Chart): Promise<void> {
  const render = RENDERERS[extname(path).toLowerCase()];
  if (render === undefined)
    throw new CliError("USAGE", `--out ${quote(path)}: expected a name that ends in .svg or .png`);
  const picture = await render(drawChart(chart));
  try {
    writeFileSync(path, picture);
  } catch (cause) {
    throw new CliError(
      "USAGE",
      `--out ${quote(path)} cannot be written (${messageOf(cause)}): check the path`,
      {
        cause,
      },
    );
  }
}
