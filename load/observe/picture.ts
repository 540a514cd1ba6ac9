// Writes a chart as SVG or PNG, depending on the file's name.

import { writeFileSync } from "node:fs";
import { extname } from "node:path";
import { CommandError } from "../../lib/command-error.ts";
import { messageOf, quote } from "../../lib/errors.ts";
import { type Chart, drawChart } from "../charts/chart.ts";
import { renderPng } from "../charts/png.ts";

const RENDERERS: Readonly<Record<string, (svg: string) => Promise<string | Uint8Array>>> = {
  ".svg": async (svg) => svg,
  ".png": renderPng,
};

/**
 * Writes the file. @throws CommandError USAGE if the name ends neither in .svg nor .png, or if it cannot be
 * written
 */
export async function writePicture(path: string, chart: Chart): Promise<void> {
  const render = RENDERERS[extname(path).toLowerCase()];
  if (render === undefined)
    throw new CommandError("USAGE", `--out ${quote(path)}: expected a name that ends in .svg or .png`);
  const picture = await render(drawChart(chart));
  try {
    writeFileSync(path, picture);
  } catch (cause) {
    throw new CommandError(
      "USAGE",
      `--out ${quote(path)} cannot be written (${messageOf(cause)}): check the path`,
      {
        cause,
      },
    );
  }
}
