// encke flood: open and hold N streams, and print what happens on them: {active, closed, failed, chunks, bytes} and
// latency, as one JSON object every ten seconds and at the end. The article's tool; `closed` should stay 0.

import { setTimeout as delay } from "node:timers/promises";
import { quote } from "../../lib/errors.ts";
import { createProgress } from "../../lib/progress.ts";
import { pick } from "../../lib/settings.ts";
import { type Command, type Context, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { FloodFleet, type FloodTotal } from "../load/flood-fleet.ts";
import { readTextFile } from "../read-file.ts";
import { type OwnValues, ownSettings } from "../settings.ts";

const LOOK_MS = 200;
const REPORT_MS = 10_000;

type FloodValues = Pick<
  OwnValues,
  "url" | "urls" | "connections" | "firstId" | "rate" | "source" | "processes" | "seconds"
>;

export const flood: Command = defineCommand({
  name: "flood",
  summary: "open and hold N streams, and count what comes",
  settings: pick(
    ownSettings,
    "url",
    "urls",
    "connections",
    "firstId",
    "rate",
    "source",
    "processes",
    "seconds",
  ),
  async run(context, values) {
    const urls =
      values.urls === undefined
        ? countedUrls(values)
        : readTextFile("--urls", values.urls).split(/\s+/).filter(Boolean);
    for (const url of urls) checkUrl(url);
    const fleet = new FloodFleet({ urls, rate: values.rate, sources: values.source }, values.processes);
    let total: FloodTotal;
    try {
      await untilOpened(context, fleet, urls.length);
      total = await hold(context, fleet, values.seconds);
    } finally {
      await fleet.close();
    }
    for (const problem of new Set(total.problems)) process.stderr.write(`encke: ${problem}\n`);
    if (total.failed > 0)
      throw new CliError("CHECK_FAILED", `${total.failed} of ${urls.length} streams did not open: see above`);
  },
});

async function untilOpened({ signal }: Context, fleet: FloodFleet, streams: number): Promise<void> {
  const progress = createProgress("opening", "streams", streams);
  try {
    for (;;) {
      const { opened, active, failed } = await fleet.total();
      progress.update(active);
      if (signal.aborted || (opened && active + failed >= streams)) return;
      await pause(LOOK_MS, signal);
    }
  } finally {
    progress.stop();
  }
}

/** Prints the counts now and then until the time is over, and at the end. */
async function hold(
  { print, signal }: Context,
  fleet: FloodFleet,
  seconds: number | undefined,
): Promise<FloodTotal> {
  const endsAtMs = Date.now() + (seconds ?? Number.POSITIVE_INFINITY) * 1000;
  for (;;) {
    await pause(Math.min(REPORT_MS, Math.max(0, endsAtMs - Date.now())), signal);
    const total = await fleet.total();
    const { active, closed, failed, chunks, bytes, latencyMs } = total;
    print(JSON.stringify({ active, closed, failed, chunks, bytes, latencyMs }));
    if (signal.aborted || Date.now() >= endsAtMs) return total;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {}); // Ctrl-C: the caller looks at the signal itself
}

/** `--url …/test/` gets ids appended; a bare address means that path. */
function countedUrls({ url, connections, firstId }: FloodValues): string[] {
  checkUrl(url);
  const base = new URL(url).pathname === "/" ? new URL("/test/", url).href : url;
  return Array.from({ length: connections }, (_, index) => `${base}${firstId + index}`);
}

function checkUrl(text: string): void {
  if (!URL.canParse(text) || new URL(text).protocol !== "http:")
    throw new CliError("USAGE", `${quote(text)} is not a http:// address`);
}
