// The streams of a flood process in native code: one table row each, and no JavaScript object while idle.
// Measured: about 0.1 KB per stream. Loaded only if the addon was built (scripts/build-native.mjs).

import { createRequire } from "node:module";
import { join } from "node:path";
import { getSystemErrorName } from "node:util";
import { codeOf } from "../../lib/errors.ts";
import { projectRoot } from "../../lib/project.ts";
import type { Latency } from "./latency.ts";
import type { ReaderCounts, Readers, ReadersOptions, StreamEnd } from "./readers.ts";

const ADDON: string = join(projectRoot, "dist", "load", "native", "load.node");
/** The native code's `End`, in its order. */
const REASONS = ["error", "status", "complete", "cut", "broken"] as const;
/** Numbers per ended stream. */
const ENDED_WORDS = 5;
const COUNTS = 7;

interface Session {
  /** Whether `takeEnded` would return something. */
  open(stream: number): boolean;
  counts(into: Float64Array): void;
  takeLatencies(): Float64Array;
  takeEnded(): Int32Array;
  digests(): Uint32Array;
  close(): void;
}

interface Addon {
  createReaders(
    paths: Uint8Array,
    ends: Uint32Array,
    serverOf: Uint16Array,
    servers: readonly string[],
    sources: readonly string[],
    firstSource: number,
    sourceStep: number,
    run: string,
    onEnded: () => void,
  ): Session;
}

/** Undefined if it is not built. */
function loadAddon(): Addon | undefined {
  try {
    return createRequire(import.meta.url)(ADDON) as Addon;
  } catch (error) {
    if (codeOf(error) === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

const addon: Addon | undefined = loadAddon();

/** Whether `NativeReaders` can be used here. */
export const isNativeBuilt: boolean = addon !== undefined;

export class NativeReaders implements Readers {
  readonly #session: Session;
  readonly #onEnd: (end: StreamEnd) => void;
  readonly #counts = new Float64Array(COUNTS);

  /** Must be called only if `isNativeBuilt`. */
  constructor({ targets, sources, firstSource, sourceStep, headers, run, onEnd }: ReadersOptions) {
    if (addon === undefined) throw new TypeError("the addon is not built: npm run build");
    this.#onEnd = onEnd;
    this.#session = addon.createReaders(
      targets.paths,
      targets.ends,
      targets.serverOf,
      targets.servers.flatMap(({ address, port, host }) => [
        address,
        String(port),
        ` HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`,
      ]),
      sources,
      firstSource,
      sourceStep,
      run,
      () => this.#tellEnds(),
    );
  }

  open(stream: number): void {
    if (this.#session.open(stream)) this.#tellEnds(); // no descriptor or no route
  }

  counts(): ReaderCounts {
    this.#session.counts(this.#counts);
    const [opening = 0, active = 0, reopened = 0, chunks = 0, bytes = 0, messages = 0, resyncs = 0] =
      this.#counts;
    return { opening, active, reopened, chunks, bytes, messages, resyncs };
  }

  drainLatency(into: Latency): void {
    into.addCounts(this.#session.takeLatencies());
  }

  digests(): Uint32Array {
    return this.#session.digests();
  }

  close(): void {
    this.#session.close();
  }

  #tellEnds(): void {
    const ended = this.#session.takeEnded();
    for (let at = 0; at < ended.length; at += ENDED_WORDS) {
      const [stream = 0, why = 0, detail = 0, retryAfter = 0, wasOpen = 0] = ended.subarray(at);
      const reason = REASONS[why] ?? "broken";
      this.#onEnd({
        stream,
        reason,
        detail: reason === "error" ? getSystemErrorName(-detail) : String(detail),
        retryAfterMs: retryAfter * 1000,
        wasOpen: wasOpen === 1,
      });
    }
  }
}
