// All streams of this edge that are at their seams: between the request and the moment when the stream
// receives live events like any other. Owned by the assembled edge; the admission bounds the streams. One
// timer runs while there are any.

import type { FrameHead } from "../../broker/contract.ts";
import type { Fanout } from "../fanout/fanout.ts";
import type { Progress } from "../fanout/progress.ts";
import type { ConnectionPool, Cork } from "../pool/pool.ts";
import type { Presence } from "../presence/presence.ts";
import type { ResyncCounts } from "../resync-counts.ts";
import type { ReplayRequests } from "./replay-requests.ts";
import { Seam } from "./seam.ts";
import type { EndedFollow } from "./seam-buffer.ts";
import type { SeamRequest } from "./seam-request.ts";

/** Interval at which readers that are still taking a replay are checked. */
const CHECK_MS = 10;
/** Deadlines are checked every 250 ms. */
const CHECKS_PER_DEADLINE_CHECK = 25;

export interface SeamsOptions {
  readonly requests: ReplayRequests;
  readonly pool: ConnectionPool;
  readonly progress: Progress;
  readonly resyncs: ResyncCounts;
  /** Its beats ask the owners for their present positions. */
  readonly presence: Pick<Presence, "beat">;
}

export class Seams {
  readonly #options: SeamsOptions;
  readonly #seams = new Set<Seam>();
  /** Those that wait until this edge has come further. */
  readonly #waiting = new Set<Seam>();
  /** Those whose readers have not taken what was written. */
  readonly #draining = new Set<Seam>();
  #checks = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastCork = 0;
  /** Streams of returning readers that went live since the start. */
  resumed = 0;

  constructor(options: SeamsOptions) {
    this.#options = options;
    options.progress.on("move", () => {
      for (const seam of this.#waiting) seam.settle();
    });
  }

  /** The number of streams at their seams. */
  get size(): number {
    return this.#seams.size;
  }

  /**
   * Begins the seam of a stream.
   * @param join makes its users reachable; if it throws, nothing has begun
   */
  begin(request: Omit<SeamRequest, "cork">, join: () => ReturnType<Fanout["join"]>): Cork {
    const { pool, progress, presence, requests, resyncs } = this.#options;
    const joined = join();
    this.#lastCork += 1;
    const cork = this.#lastCork;
    const seam = new Seam(
      {
        ...{ pool, progress, requests, resyncs },
        askPositions: () => presence.beat(),
        nowMs: () => performance.now(),
        onChange: (changed) => this.#track(changed),
      },
      { ...request, cork },
    );
    this.#seams.add(seam);
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS);
    void joined.then((floor) => floor && seam.certain(floor));
    return { number: cork, onHeld: () => seam.held() };
  }

  withdraw(ended: EndedFollow): void {
    for (const seam of this.#seams) seam.withdraw(ended);
  }

  /** A hole has passed this edge. */
  skip({ partition, sequence }: FrameHead): void {
    for (const seam of this.#seams) seam.skip(partition, sequence);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const seams of [this.#seams, this.#waiting, this.#draining]) seams.clear();
  }

  /** Files a seam under what it waits for. */
  #track(seam: Seam): void {
    moveIn(this.#waiting, seam, seam.isWaiting);
    moveIn(this.#draining, seam, seam.isDraining);
    if (!seam.isDone || !this.#seams.delete(seam)) return;
    if (seam.isReturning) this.resumed += 1;
    if (this.#seams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    for (const seam of this.#draining) seam.settle();
    this.#checks += 1;
    if (this.#checks % CHECKS_PER_DEADLINE_CHECK === 0) for (const seam of this.#seams) seam.checkTime();
  }
}

function moveIn<T>(set: Set<T>, item: T, isIn: boolean): void {
  if (isIn) set.add(item);
  else set.delete(item);
}
