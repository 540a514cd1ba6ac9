// What the kernel holds for sockets, as well as it can be seen from outside: the pages of TCP buffers
// (/proc/net/sockstat), and by how much its slab (sockets, descriptors, epoll entries) has grown since the first look.
// It is the whole machine's: other programs' sockets, and the load's where that runs here, are in it. What else the kernel
// takes is not: `encke million`, which has the machine to itself, measures all of it (load/million/memory.ts).

import { readFileSync } from "node:fs";
import { kilobytesIn } from "../processes.ts";

const KB_A_PAGE = 4;

export class SocketMemory {
  readonly #slabAtStartKb: number;

  /** Take it before the connections are opened: the growth counts from here. @throws Node's error without /proc */
  constructor() {
    this.#slabAtStartKb = slabKbIn(readFileSync("/proc/meminfo", "utf8"));
  }

  /** KB now. May be below 0 where the kernel has given back more than our sockets took. */
  readKb(): number {
    const grownKb = slabKbIn(readFileSync("/proc/meminfo", "utf8")) - this.#slabAtStartKb;
    return tcpPagesIn(readFileSync("/proc/net/sockstat", "utf8")) * KB_A_PAGE + grownKb;
  }
}

/** Pages of TCP buffers, out of /proc/net/sockstat. */
export function tcpPagesIn(sockstat: string): number {
  return Number(/^TCP: .*\bmem (\d+)/m.exec(sockstat)?.[1] ?? 0);
}

/** Out of /proc/meminfo, reclaimable slab included: sockets' inodes are counted there. */
export function slabKbIn(meminfo: string): number {
  return kilobytesIn(meminfo, "Slab") ?? 0;
}
