// The processes of a flood. A process can open only a limited number of descriptors, so many streams need
// several processes. Each receives its share of the targets and of the rate, and their counts are added up
// here. They end with this process.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { forwardLines } from "../../edge/index.ts";
import { standardError } from "../../lib/output.ts";
import { DIGEST_WORDS, Digests } from "./digest.ts";
import type { FloodPlan } from "./flood.ts";
import { addCounts, type FloodCounts, NO_COUNTS } from "./flood-counts.ts";
import type {
  CountReport,
  DigestReport,
  FloodReport,
  FromFloodWorker,
  ToFloodWorker,
} from "./flood-messages.ts";
import { Latency, type LatencyMs } from "./latency.ts";
import { countTargets, shareOf } from "./targets.ts";

const PROGRAM: string = fileURLToPath(new URL("./worker" + import.meta.url.slice(-3), import.meta.url));
/** V8 would let its young generation grow to 32 MB per process, which the streams do not need. */
const WORKER_FLAGS = ["--max-semi-space-size=1"];
const REPORT_MS = 10_000;
/** Time after which a process that does not end is killed. */
const END_MS = 5_000;

/** The plan of the whole fleet. Each process is told at which source address to start. */
type WholePlan = Omit<FloodPlan, "firstSource" | "sourceStep">;

/** The plan with optional fields, which default to `DEFAULTS`. */
export type FleetPlan = Pick<WholePlan, "targets" | "rate"> &
  Partial<WholePlan> & {
    /** Number of processes that open streams at the same time; by default all. */
    readonly processesAtOnce?: number;
  };

const DEFAULTS: Omit<WholePlan, "targets" | "rate"> = {
  opening: 0,
  sources: [],
  reopen: false,
  run: "",
  headers: "",
};

type AskType = Exclude<ToFloodWorker["type"], "open">;

export interface CountTotal extends FloodCounts {
  readonly opened: boolean;
}
export interface FloodTotal extends CountTotal {
  readonly problems: readonly string[];
  readonly latencyMs: LatencyMs | undefined;
}

export class FloodFleet {
  readonly #plan: WholePlan;
  readonly #children: ChildProcess[] = [];
  /** Resolve when a child has ended and its output has been forwarded. */
  readonly #closed: Promise<unknown>[] = [];
  readonly #answers = new Map<number, (answer: FromFloodWorker) => void>();
  #requests = 0;
  /** Number of children that were told to open; the others have nothing to report. */
  #begun = 0;

  constructor({ processesAtOnce, ...given }: FleetPlan, processes: number) {
    this.#plan = { ...DEFAULTS, ...given };
    const atOnce = processesAtOnce ?? processes;
    for (let index = 0; index < processes; index += 1) {
      const child = fork(PROGRAM, {
        execArgv: [...process.execArgv, ...WORKER_FLAGS],
        serialization: "advanced", // digests are typed arrays
        stdio: ["ignore", "ignore", "pipe", "ipc"],
      });
      if (child.stderr !== null) forwardLines(child.stderr, standardError);
      child.on("message", (answer: FromFloodWorker) => {
        if ("type" in answer) this.#beginNext();
        else this.#answers.get(answer.request)?.(answer);
      });
      child.on("error", () => {}); // its missing reply is counted
      this.#children.push(child);
      this.#closed.push(new Promise((resolve) => child.once("close", resolve)));
    }
    for (let begun = 0; begun < atOnce; begun += 1) this.#beginNext();
  }

  #beginNext(): void {
    const index = this.#begun;
    const child = this.#children[index];
    if (child === undefined) return;
    this.#begun += 1;
    const processes = this.#children.length;
    const { targets, rate, opening } = this.#plan;
    send(child, {
      type: "open",
      plan: {
        ...this.#plan,
        targets: shareOf(targets, index, processes),
        rate: rate / processes,
        opening: opening === 0 ? 0 : Math.max(1, Math.round(opening / processes)),
        firstSource: index,
        sourceStep: processes,
      },
    });
  }

  get pids(): readonly number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  /**
   * Returns the counts of all processes together. Streams of a process that does not reply count as failed.
   * Cheap.
   */
  async counts(): Promise<CountTotal> {
    return this.#addUp(await this.#askAll<CountReport>("counts"));
  }

  /** Returns the counts with latency and problems. A process that does not reply is a problem. */
  async total(): Promise<FloodTotal> {
    const reports = await this.#askAll<FloodReport>("report");
    const latency = new Latency();
    for (const report of reports) if (report !== undefined) latency.add(report.latency);
    const silent = reports.filter((report) => report === undefined).length;
    return {
      ...this.#addUp(reports),
      problems: [
        ...reports.flatMap((report) => report?.problems ?? []),
        ...(silent > 0 ? [`${silent} of ${reports.length} flood processes do not reply`] : []),
      ],
      latencyMs: latency.ms,
    };
  }

  /**
   * Returns the digest of every stream, in the order of the targets. A process that does not reply has
   * received nothing.
   */
  async digests(): Promise<Digests> {
    const all = new Digests(countTargets(this.#plan.targets));
    for (const [index, report] of (await this.#askAll<DigestReport>("digests")).entries()) {
      const words = report?.digests ?? new Uint32Array(0);
      for (let at = 0; at < words.length; at += DIGEST_WORDS) {
        const stream = index + (at / DIGEST_WORDS) * this.#children.length;
        all.words.set(words.subarray(at, at + DIGEST_WORDS), stream * DIGEST_WORDS);
      }
    }
    return all;
  }

  /** Ends every process and waits until they are gone. */
  async close(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child, index) => {
        if (child.pid === undefined) return;
        child.kill("SIGTERM");
        const killer = setTimeout(() => child.kill("SIGKILL"), END_MS);
        await this.#closed[index];
        clearTimeout(killer);
      }),
    );
  }

  #addUp(reports: readonly (CountReport | undefined)[]): CountTotal {
    const begun = reports.slice(0, this.#begun); // the others have not been told to open yet
    const counts = begun.map((report, index) => report?.counts ?? this.#allFailed(index));
    const allBegun = this.#begun === this.#children.length;
    return { ...addCounts(counts), opened: allBegun && reports.every((report) => report?.opened ?? true) };
  }

  /** Returns the counts for a process that does not reply. */
  #allFailed(index: number): FloodCounts {
    const share = countTargets(shareOf(this.#plan.targets, index, this.#children.length));
    return { ...NO_COUNTS, failed: share, closed: share };
  }

  #askAll<Answer extends FromFloodWorker>(type: AskType): Promise<(Answer | undefined)[]> {
    return Promise.all(
      this.#children.map((child, index) =>
        index < this.#begun ? this.#ask<Answer>(child, type) : undefined,
      ),
    );
  }

  #ask<Answer extends FromFloodWorker>(child: ChildProcess, type: AskType): Promise<Answer | undefined> {
    if (!child.connected) return Promise.resolve(undefined);
    this.#requests += 1;
    const request = this.#requests;
    return new Promise((resolve) => {
      const done = (answer: Answer | undefined): void => {
        clearTimeout(timer);
        child.removeListener("exit", onExit);
        this.#answers.delete(request);
        resolve(answer);
      };
      const onExit = (): void => done(undefined);
      const timer = setTimeout(onExit, REPORT_MS);
      child.once("exit", onExit);
      this.#answers.set(request, (answer) => done(answer as Answer));
      send(child, { type, request });
    });
  }
}

function send(child: ChildProcess, message: ToFloodWorker): void {
  if (child.connected) child.send(message);
}
