// Memory and CPU of a run over time, role by role, and in the kernel. Processes: PSS, which shares shared pages out, so
// that it may be added up. Kernel: the growth of what is neither free nor cache nor any process's own memory; other
// programs' processes are not in it, their sockets are. Reads /proc without blocking; a sample is about 200 bytes.

import { readFile } from "node:fs/promises";

const ROLES = ["broker", "graph", "edge", "flood", "command"] as const;
export type Role = (typeof ROLES)[number];
export type Pids = Readonly<Record<Role, readonly number[]>>;

export interface MemorySample {
  /** Since the run began. */
  readonly seconds: number;
  readonly connections: number;
  /** Bytes by role, all processes of it together. */
  readonly pss: Readonly<Record<Role, number>>;
  readonly processes: Readonly<Record<Role, number>>;
  /** User and system time of the processes that run now, since each began. */
  readonly cpuSeconds: Readonly<Record<Role, number>>;
  /** Of the kernel, since the first sample; slab, most of it, beside it. */
  readonly kernelBytes: number;
  readonly slabBytes: number;
  /** What the machine could still give to programs. */
  readonly availableBytes: number;
  /** Sockets and the pages in their buffers, of the whole machine. */
  readonly sockets: number;
  readonly socketBytes: number;
}

const PAGE_BYTES = 4_096;
/** As Linux reports CPU time on every architecture that we run on. */
const TICKS_A_SECOND = 100;

export class MemoryWatch {
  readonly samples: MemorySample[] = [];
  readonly #startedAtMs = performance.now();
  #first: { readonly kernelBytes: number; readonly slabBytes: number } | undefined;

  /** The first sample is what the others are compared with: take it before the streams are opened. */
  async take(pids: Pids, connections: number): Promise<MemorySample> {
    const [pss, cpuSeconds, meminfo, sockstat] = await Promise.all([
      sumByRole(pids, async (pid) => kilobytesIn(await read(`/proc/${pid}/smaps_rollup`), "Pss")),
      sumByRole(pids, async (pid) => cpuSecondsIn(await read(`/proc/${pid}/stat`))),
      read("/proc/meminfo"),
      read("/proc/net/sockstat"),
    ]);
    const now = {
      kernelBytes: kernelBytesIn(meminfo),
      slabBytes: kilobytesIn(meminfo, "Slab"),
    };
    this.#first ??= now;
    const [, sockets = 0, pages = 0] = /^TCP: inuse (\d+).* mem (\d+)/m.exec(sockstat)?.map(Number) ?? [];
    const sample: MemorySample = {
      seconds: (performance.now() - this.#startedAtMs) / 1_000,
      connections,
      pss,
      processes: await sumByRole(pids, async () => 1),
      cpuSeconds,
      kernelBytes: now.kernelBytes - this.#first.kernelBytes,
      slabBytes: now.slabBytes - this.#first.slabBytes,
      availableBytes: kilobytesIn(meminfo, "MemAvailable"),
      sockets,
      socketBytes: pages * PAGE_BYTES,
    };
    this.samples.push(sample);
    return sample;
  }
}

/** What the machine could give to programs now. */
export async function availableMemory(): Promise<number> {
  return kilobytesIn(await read("/proc/meminfo"), "MemAvailable");
}

/** All roles together. */
export function totalOf(pss: Readonly<Record<Role, number>>): number {
  return Object.values(pss).reduce((sum, bytes) => sum + bytes, 0);
}

async function sumByRole(
  pids: Pids,
  measure: (pid: number) => Promise<number>,
): Promise<Record<Role, number>> {
  const sums = ROLES.map(async (role) => {
    const values = await Promise.all(pids[role].map(measure));
    return [role, values.reduce((sum, value) => sum + value, 0)] as const;
  });
  return Object.fromEntries(await Promise.all(sums)) as Record<Role, number>;
}

function cpuSecondsIn(stat: string): number {
  const [, ...fields] = /\) (.*)/.exec(stat)?.[1]?.split(" ") ?? [];
  return (Number(fields[10] ?? 0) + Number(fields[11] ?? 0)) / TICKS_A_SECOND;
}

/** Slab, page tables, stacks and pages of sockets. */
function kernelBytesIn(meminfo: string): number {
  const others = ["MemFree", "Buffers", "Cached", "SwapCached", "AnonPages"];
  return others.reduce((rest, name) => rest - kilobytesIn(meminfo, name), kilobytesIn(meminfo, "MemTotal"));
}

function kilobytesIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1_024;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return ""; // the process has ended: it takes nothing
  }
}
