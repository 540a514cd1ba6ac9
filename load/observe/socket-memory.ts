// Kernel memory for sockets, as far as it is visible: the pages of TCP buffers (/proc/net/sockstat), and the
// growth of the slab (sockets, descriptors, epoll entries) since the first sample. It covers the whole
// machine, including the sockets of other programs and of a load generator that runs here. Other kernel
// memory is not included; `encke million`, which has the machine to itself, measures all of it
// (load/million/memory.ts).

import { readFileSync } from "node:fs";
import { kilobytesIn } from "../processes.ts";

const KB_A_PAGE = 4;

export class SocketMemory {
  readonly #slabAtStartKb: number;

  /** Takes the baseline. Create it before connections are opened. @throws Node's error without /proc */
  constructor() {
    this.#slabAtStartKb = slabKbIn(readFileSync("/proc/meminfo", "utf8"));
  }

  /** Returns the KB now. Negative if the kernel has freed more than our sockets use. */
  readKb(): number {
    const grownKb = slabKbIn(readFileSync("/proc/meminfo", "utf8")) - this.#slabAtStartKb;
    return tcpPagesIn(readFileSync("/proc/net/sockstat", "utf8")) * KB_A_PAGE + grownKb;
  }
}

/** Reads the pages of TCP buffers from /proc/net/sockstat. */
export function tcpPagesIn(sockstat: string): number {
  return Number(/^TCP: .*\bmem (\d+)/m.exec(sockstat)?.[1] ?? 0);
}

/** Reads the slab from /proc/meminfo, including reclaimable slab, which contains the inodes of sockets. */
export function slabKbIn(meminfo: string): number {
  return kilobytesIn(meminfo, "Slab") ?? 0;
}
