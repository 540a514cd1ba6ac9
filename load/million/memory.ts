// Memory and CPU time of a run, by role and in the kernel. Memory of processes is PSS, which divides shared
// pages among their users, so that it can be added up. Memory of the kernel is the growth of what is not
// free, not cache and not owned by a process; it includes the sockets of other programs. Samples are read
// from /proc without blocking, and take about 200 bytes each.

import { readFile } from "node:fs/promises";
import { cpuSecondsIn, kilobytesIn } from "../processes.ts";

const ROLES = ["broker", "graph", "edge", "flood", "command"] as const;
export type Role = (typeof ROLES)[number];
export type Pids = Readonly<Record<Role, readonly number[]>>;

export interface MemorySample {
  /** Time since the run began. */
  readonly seconds: number;
  readonly connections: number;
  /** Bytes by role, for all processes of the role together. */
  readonly pss: Readonly<Record<Role, number>>;
  readonly processes: Readonly<Record<Role, number>>;
  /** User and system time of the running processes, since each began. */
  readonly cpuSeconds: Readonly<Record<Role, number>>;
  /** Growth of the kernel's memory since the first sample, and of its slab, which is most of it. */
  readonly kernelBytes: number;
  readonly slabBytes: number;
  /** Memory that is available to programs. */
  readonly availableBytes: number;
  /** Sockets and the pages in their buffers, for the whole machine. */
  readonly sockets: number;
  readonly socketBytes: number;
}

const PAGE_BYTES = 4_096;

export class MemoryWatch {
  readonly samples: MemorySample[] = [];
  readonly #startedAtMs = performance.now();
  #first: { readonly kernelBytes: number; readonly slabBytes: number } | undefined;

  /** Takes a sample. The first is the baseline, so take it before streams are opened. */
  async take(pids: Pids, connections: number): Promise<MemorySample> {
    const [pss, cpuSeconds, meminfo, sockstat] = await Promise.all([
      sumByRole(pids, async (pid) => bytesIn(await read(`/proc/${pid}/smaps_rollup`), "Pss")),
      sumByRole(pids, async (pid) => cpuSecondsIn(await read(`/proc/${pid}/stat`)) ?? 0),
      read("/proc/meminfo"),
      read("/proc/net/sockstat"),
    ]);
    const now = {
      kernelBytes: kernelBytesIn(meminfo),
      slabBytes: bytesIn(meminfo, "Slab"),
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
      availableBytes: bytesIn(meminfo, "MemAvailable"),
      sockets,
      socketBytes: pages * PAGE_BYTES,
    };
    this.samples.push(sample);
    return sample;
  }
}

/** Returns the memory that is available to programs now. */
export async function availableMemory(): Promise<number> {
  return bytesIn(await read("/proc/meminfo"), "MemAvailable");
}

/** Returns the sum over all roles. */
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

/** Returns slab, page tables, stacks and pages of sockets. */
function kernelBytesIn(meminfo: string): number {
  const others = ["MemFree", "Buffers", "Cached", "SwapCached", "AnonPages"];
  return others.reduce((rest, name) => rest - bytesIn(meminfo, name), bytesIn(meminfo, "MemTotal"));
}

function bytesIn(text: string, name: string): number {
  return (kilobytesIn(text, name) ?? 0) * 1_024;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return ""; // the process has ended and uses no memory
  }
}
