// A progress bar for work that takes over two seconds, on a terminal only: rate and time left, gone when done.

import { isatty } from "node:tty";
import { SingleBar } from "cli-progress";
import type { Environment, Progress } from "../lib/command.ts";

const STANDARD_ERROR = 2;
/** Quicker work shows nothing: a bar that flashes by tells nobody anything. */
const SHOW_AFTER_MS = 2_000;

/** @param what the thing counted, in the plural; @param total 0 where it is not known. */
export function createProgress(title: string, what: string, total: number): Progress {
  // asked this way, Node leaves a pipe as it is (line-sink.ts)
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
        process.stderr.on("error", () => {}); // the terminal has hung up: the work goes on without a bar
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
 * Shows a bar a phase of `work` while it says how far it is, and removes it however that ends.
 * @param counted what each phase counts, in the plural
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
