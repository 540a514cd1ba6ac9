// encke flood: opens and holds N streams, and prints counts ({active, closed, failed, chunks, bytes}) and
// latency as one JSON object every ten seconds and at the end. This is the article's tool; `closed` should
// stay 0. With --reopen, lost streams are opened again, and `retried` and `reopened` count how often.

import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Command, type Context, defineCommand } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { quote } from "../../lib/errors.ts";
import { readTextFile } from "../../lib/flag-files.ts";
import type { ValuesOf } from "../../lib/settings.ts";
import { FloodFleet, type FloodTotal } from "../flood/flood-fleet.ts";
import { countTargets, type TargetPlan } from "../flood/targets.ts";
import {
  connections,
  firstId,
  opening,
  processes,
  rate,
  reopen,
  seconds,
  source,
  url,
  urls,
} from "../settings.ts";

const LOOK_MS = 200;
const REPORT_MS = 10_000;

const settings = {
  ...{ url, urls, connections, firstId, rate, source, opening, processes, reopen, seconds },
};

export const flood: Command = defineCommand({
  name: "flood",
  summary: "open and hold N streams, and count what they receive",
  settings,
  async run(context, values) {
    const targets = targetsOf(values);
    const streams = countTargets(targets);
    const { rate, opening, source: sources, reopen } = values;
    for (const source of sources)
      if (isIP(source) === 0)
        throw new CommandError("USAGE", `--source ${quote(source)} is not an IP address`);
    const fleet = new FloodFleet({ targets, rate, opening, sources, reopen }, values.processes);
    let total: FloodTotal;
    try {
      await untilOpened(context, fleet, streams, reopen);
      total = await hold(context, fleet, values.seconds);
    } finally {
      await fleet.close();
    }
    for (const problem of new Set(total.problems)) context.note(`encke: ${problem}`);
    const missing = reopen && !context.signal.aborted ? streams - total.active : total.failed;
    if (missing > 0)
      throw new CommandError("CHECK_FAILED", `${missing} of ${streams} streams did not open: see above`);
  },
});

/** Waits until each stream is open or has failed; with reopening, until each was tried once. */
async function untilOpened(
  { signal, progress: createProgress }: Context,
  fleet: FloodFleet,
  streams: number,
  reopen: boolean,
): Promise<void> {
  const progress = createProgress("opening", "streams", streams);
  try {
    for (;;) {
      const { opened, active, closed } = await fleet.counts();
      progress.update(active);
      if (signal.aborted || (opened && (reopen || active + closed >= streams))) return;
      await pause(LOOK_MS, signal);
    }
  } finally {
    progress.stop();
  }
}

/** Prints the counts at intervals until the time is over, and once more at the end. */
async function hold(
  { print, signal }: Context,
  fleet: FloodFleet,
  seconds: number | undefined,
): Promise<FloodTotal> {
  const endsAtMs = performance.now() + (seconds ?? Number.POSITIVE_INFINITY) * 1000;
  for (;;) {
    await pause(Math.min(REPORT_MS, Math.max(0, endsAtMs - performance.now())), signal);
    const total = await fleet.total();
    const { active, closed, failed, retried, reopened, chunks, bytes, resyncs, latencyMs } = total;
    print(JSON.stringify({ active, closed, failed, retried, reopened, chunks, bytes, resyncs, latencyMs }));
    if (signal.aborted || performance.now() >= endsAtMs) return total;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {}); // Ctrl-C: the caller checks the signal
}

/** Appends ids to `--url …/test/`; a URL without a path stands for that path. */
function targetsOf({ url, urls, connections, firstId }: ValuesOf<typeof settings>): TargetPlan {
  if (urls !== undefined) {
    const listed = readTextFile("--urls", urls).split(/\s+/).filter(Boolean);
    for (const one of listed) checkUrl(one);
    return { kind: "listed", urls: listed };
  }
  checkUrl(url);
  const base = new URL(url).pathname === "/" ? new URL("/test/", url).href : url;
  return { kind: "counted", base, firstId, step: 1, count: connections };
}

function checkUrl(text: string): void {
  if (!URL.canParse(text) || new URL(text).protocol !== "http:")
    throw new CommandError("USAGE", `${quote(text)} is not an http:// address`);
}
