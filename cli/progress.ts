// A progress bar with rate and remaining time. It appears only on a terminal, for work that takes more than
// two seconds, and is removed when the work is done.

import { isatty } from "node:tty";
import { SingleBar } from "cli-progress";
import type { Environment, Progress } from "../lib/command.ts";

const STANDARD_ERROR = 2;
/** Shorter work shows no bar, which would only flash. */
const SHOW_AFTER_MS = 2_000;

/**
 * @param what the unit that is counted, in the plural
 * @param total 0 if unknown
 */
export function createProgress(title: string, what: string, total: number): Progress {
  // `tty.isatty` leaves a pipe's flags as they are (lib/line-sink.ts)
  if (!isatty(STANDARD_ERROR)) return { update() {}, stop() {} };
  const startedAt = performance.now();
  const shape = total > 0 ? "{bar} {percentage}% · {value} of {total}" : "{value}";
  let bar: SingleBar | undefined;
  return {
    update(done) {
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs < SHOW_AFTER_MS) return;
      const rate = Math.round((done / elapsedMs) * 1000).toLocaleString("en");
      if (bar === undefined) {
        process.stderr.on("error", () => {}); // the terminal has hung up: no bar
        bar = new SingleBar({
          format: `${title} ${shape} ${what} · ${total > 0 ? "{eta_formatted} left · " : ""}{rate}/s`,
          clearOnComplete: true,
          hideCursor: true,
          stream: process.stderr,
          barsize: 30,
        });
        bar.start(total, done, { rate });
      }
      bar.update(done, { rate });
    },
    stop() {
      bar?.stop();
    },
  };
}

/**
 * Shows one bar per phase of `work`, and removes it however the work ends.
 * @param counted the unit that each phase counts, in the plural
 */
export async function withProgress<Phase extends string, Result>(
  { progress }: Pick<Environment, "progress">,
  counted: Readonly<Record<Phase, string>>,
  work: (onProgress: (phase: Phase, done: number, total: number) => void) => Promise<Result>,
): Promise<Result> {
  let bar: Progress | undefined;
  let phase: Phase | undefined;
  try {
    return await work((now, done, total) => {
      if (phase !== now) {
        bar?.stop();
        bar = progress(now, counted[now], total);
        phase = now;
      }
      bar?.update(done);
    });
  } finally {
    bar?.stop();
  }
}
