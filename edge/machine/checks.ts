// What a machine lacks to hold both ends of a number of connections: a table of checks, each with the present
// value, the required value, the reason, and a command. Pure functions; the machine is passed as a record.

import { layoutFor } from "./layout.ts";
import type { Machine } from "./machine.ts";

export interface Check {
  readonly name: string;
  /** `bad` makes this many connections impossible; `hint` has a cost. */
  readonly verdict: "ok" | "hint" | "bad";
  readonly is: string;
  readonly needed: string;
  readonly why: string;
  /** The command that fixes it; "" if nothing is wrong. */
  readonly remedy: string;
}

/** Kernel memory of a connection with both its ends, in bytes, as measured by `encke million`. */
const KERNEL_BYTES = 8_400;
/** Memory of the processes per connection: with both addons, and without one of them. */
const NATIVE_BYTES = 1_000;
const PLAIN_EDGE_BYTES = 2_400;
const PLAIN_FLOOD_BYTES = 4_000;
/** Memory of an idle process; and of broker, graph and this command together, without the graph's data. */
const PROCESS_BYTES = 18_000_000;
const SERVICES_BYTES = 400_000_000;
/** The graph service's rows and cache per user, with fifteen friends each. */
const GRAPH_BYTES_A_USER = 300;
/**
 * With fewer descriptors than this, a worker per process makes no sense: it needs most of them for itself.
 */
const MIN_LIMIT = 1_024;
const MAX_PROCESSES = 1_024;
const BACKLOG = 4_096;
const MIN_PORTS = 1_000;
/** Open files of all other processes. */
const OTHER_FILES = 20_000;
const PAGE_BYTES = 4_096;
/** TCP buffers in use at any moment, per socket: most are empty. */
const BUFFER_BYTES = 512;
const MAX_WMEM_FIRST = 65_536;

const count = (n: number): string => (n >= Number.MAX_SAFE_INTEGER ? "unlimited" : n.toLocaleString("en"));
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
const roundUp = (n: number): number => 2 ** Math.ceil(Math.log2(n));

/** Memory that this many connections take, in the kernel and in processes. */
export function memoryFor(connections: number, { openFiles, ports, addons }: Machine): number {
  const { edgeWorkers, floodProcesses } = layoutFor(connections, openFiles.soft, ports);
  const process =
    NATIVE_BYTES + (addons.pool ? 0 : PLAIN_EDGE_BYTES) + (addons.flood ? 0 : PLAIN_FLOOD_BYTES);
  return (
    connections * (KERNEL_BYTES + process + GRAPH_BYTES_A_USER) +
    (edgeWorkers + floodProcesses) * PROCESS_BYTES +
    SERVICES_BYTES
  );
}

/** Returns every check for this many connections. */
export function checkMachine(machine: Machine, connections: number): Check[] {
  return CHECKS.flatMap((check) => check(machine, connections) ?? []);
}

type Checker = (machine: Machine, connections: number) => Check | undefined;

/** Checks a kernel limit: `verdict` if it is below `needed`. Absent if the kernel does not have it. */
function atLeast(
  name: string,
  value: number | undefined,
  needed: number,
  { verdict, why, remedy }: Pick<Check, "verdict" | "why" | "remedy">,
): Check | undefined {
  if (value === undefined) return undefined;
  const ok = value >= needed;
  return {
    name,
    verdict: ok ? "ok" : verdict,
    is: count(value),
    needed: count(needed),
    why,
    remedy: ok ? "" : remedy,
  };
}

const CHECKS: readonly Checker[] = [
  function openFiles({ openFiles: { soft, hard }, nrOpen, ports }, connections) {
    const { edgeWorkers, floodProcesses } = layoutFor(connections, soft, ports);
    const enough = soft >= MIN_LIMIT && edgeWorkers <= MAX_PROCESSES;
    const reachable = Math.min(nrOpen ?? hard, 1_048_576);
    return {
      name: "open files a process",
      verdict: enough ? "ok" : "bad",
      is: soft === hard ? count(soft) : `${count(soft)} (hard ${count(hard)})`,
      needed: count(Math.max(MIN_LIMIT, Math.ceil(connections / MAX_PROCESSES))),
      why: `a connection is a descriptor: ${edgeWorkers} edge workers and ${floodProcesses} flood processes share them`,
      remedy: enough ? "" : `ulimit -n ${reachable}   # as root, or in /etc/security/limits.d`,
    };
  },
  function openFilesInAll({ fileMax, filesOpen }, connections) {
    const needed = 2 * connections + (filesOpen ?? 0) + OTHER_FILES;
    return atLeast("fs.file-max", fileMax, needed, {
      verdict: "bad",
      why: "both ends of a connection are open files of this machine",
      remedy: `sysctl -w fs.file-max=${roundUp(needed)}`,
    });
  },
  function epollWatches({ epollWatches: watches }, connections) {
    const needed = 2 * connections + 1_000;
    return atLeast("fs.epoll.max_user_watches", watches, needed, {
      verdict: "bad",
      why: "each end is watched by an epoll set",
      remedy: `sysctl -w fs.epoll.max_user_watches=${roundUp(needed)}`,
    });
  },
  function memory(machine, connections) {
    const { memAvailableBytes: available } = machine;
    if (available === undefined) return undefined;
    const needed = memoryFor(connections, machine);
    const ok = available >= needed;
    return {
      name: "memory available",
      verdict: ok ? "ok" : "bad",
      is: gigabytes(available),
      needed: gigabytes(needed),
      why: `about ${(needed / connections / 1_000).toFixed(1)} KB a connection, ${KERNEL_BYTES / 1_000} KB of it the kernel's for both ends`,
      remedy: ok ? "" : `encke million --connections ${fittingConnections(machine, available)}`,
    };
  },
  function sourceAddresses({ openFiles, ports }, connections) {
    const { sources } = layoutFor(connections, openFiles.soft, ports);
    const ok = ports >= MIN_PORTS;
    return {
      name: "ip_local_port_range",
      verdict: ok ? "ok" : "bad",
      is: `${count(ports)} ports`,
      needed: `${count(MIN_PORTS)} ports`,
      why: `connections come from ${sources.length} addresses of 127.0.0.0/8, a port each`,
      remedy: ok ? "" : 'sysctl -w net.ipv4.ip_local_port_range="15000 64999"',
    };
  },
  function backlog({ somaxconn }) {
    return atLeast("net.core.somaxconn", somaxconn, BACKLOG, {
      verdict: "hint",
      why: "in a storm, a full accept queue makes connections wait a second and more",
      remedy: `sysctl -w net.core.somaxconn=${4 * BACKLOG}`,
    });
  },
  function tcpMemory({ tcpMem }, connections) {
    const needed = Math.ceil((2 * connections * BUFFER_BYTES) / PAGE_BYTES);
    return atLeast("net.ipv4.tcp_mem, pressure", tcpMem[1], needed, {
      verdict: "hint",
      why: "pages of all TCP buffers together; beyond it the kernel shrinks and drops",
      remedy: `sysctl -w net.ipv4.tcp_mem="${needed} ${2 * needed} ${4 * needed}"`,
    });
  },
  function tcpBuffers({ tcpRmem, tcpWmem }) {
    const [, first = 0] = tcpWmem;
    if (tcpWmem.length < 3 || tcpRmem.length < 3) return undefined;
    const ok = first <= MAX_WMEM_FIRST;
    return {
      name: "tcp_wmem, tcp_rmem",
      verdict: ok ? "ok" : "hint",
      is: `${tcpWmem.join(" ")}, ${tcpRmem.join(" ")}`,
      needed: `${count(MAX_WMEM_FIRST)} at first`,
      why: "an idle socket takes none of it; slow readers may each fill so much",
      remedy: ok ? "" : 'sysctl -w net.ipv4.tcp_wmem="4096 16384 4194304"',
    };
  },
  function connectionTracking({ conntrackMax, conntrackCount = 0 }, connections) {
    const needed = connections + conntrackCount + OTHER_FILES;
    return atLeast("nf_conntrack_max", conntrackMax, needed, {
      // a table without an entry is probably not in use, since no rule requires it
      verdict: conntrackCount === 0 ? "hint" : "bad",
      why: `where a firewall tracks connections (now ${count(conntrackCount)}), also local ones, it drops what it cannot`,
      remedy: `sysctl -w net.netfilter.nf_conntrack_max=${roundUp(needed)}`,
    });
  },
  function natsServer({ natsServer: found }) {
    return {
      name: "nats-server",
      verdict: found ? "ok" : "hint",
      is: found ? "found" : "not found",
      needed: "found",
      why: "the embedded broker serves too, in one thread of Node",
      remedy: found ? "" : "apt install nats-server   # or npm start, which fetches it",
    };
  },
  function addons({ addons: { pool, flood } }) {
    const missing = [...(pool ? [] : ["edge"]), ...(flood ? [] : ["flood"])];
    return {
      name: "native code",
      verdict: missing.length === 0 ? "ok" : "hint",
      is: missing.length === 0 ? "built" : `not built: ${missing.join(", ")}`,
      needed: "built",
      why: "streams in flat tables instead of JavaScript objects: KBs less each",
      remedy: missing.length === 0 ? "" : "apt install g++ make python3 && npm run build",
    };
  },
];

/** Returns how many connections this machine's memory can hold, in thousands. */
function fittingConnections(machine: Machine, available: number): number {
  let [fits, tooMany] = [0, 100_000];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (memoryFor(middle * 1_000, machine) <= available) fits = middle;
    else tooMany = middle;
  }
  return Math.max(1, fits) * 1_000;
}
