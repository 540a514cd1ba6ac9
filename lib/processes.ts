// What Linux tells about processes: their memory, CPU, sockets, children, and who listens on a port. Read from /proc at
// every call; nothing is kept. Proportional memory (PSS) shares shared pages out, so that it may be added up.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { quote } from "./errors.ts";

export interface ProcessMemory {
  readonly pssKb: number;
  /** The part of it that is no file: heaps and stacks. Other processes' coming and going does not move it. */
  readonly anonKb: number;
  readonly rssKb: number;
}

/** Kernel ticks a second, as Linux reports CPU time on every architecture that we run on. */
const TICKS_PER_SECOND = 100;
const LISTENING = "0A";
const INIT = 1;
const FLAGS = / -.*$/;
/** Servers that Encke starts for itself. */
const ORPHANS = /\/encke-nats-\w+\/nats-server\.conf$|\bcli\/main\.[jt]s broker --embedded /;

/** Memory of a process, in KB; undefined where it is gone, or not ours to look at. Costs 1 ms for each 100 MB. */
export function memoryOf(pid: number): ProcessMemory | undefined {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  const [pssKb, fileKb, rssKb] = ["Pss", "Pss_File", "Rss"].map((name) => kilobytesIn(rollup, name));
  if (pssKb === undefined || fileKb === undefined || rssKb === undefined) return undefined;
  return { pssKb, anonKb: pssKb - fileKb, rssKb };
}

/** A line such as `Pss: 12 kB`, out of smaps_rollup or meminfo; undefined where there is none. */
export function kilobytesIn(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** CPU seconds since the process began, user and system; undefined where it is gone. */
export function cpuSecondsOf(pid: number): number | undefined {
  return cpuSecondsIn(read(`/proc/${pid}/stat`));
}

/** The same, out of /proc/PID/stat. */
export function cpuSecondsIn(stat: string): number | undefined {
  const fields = fieldsOf(stat);
  return fields && (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Sockets that a process holds open. Costs about 2 µs each. */
export function socketsOf(pid: number): number {
  return linksOf(pid).filter((target) => target.startsWith("socket:")).length;
}

/** Ids of a process's children. */
export function childrenOf(pid: number): number[] {
  return allProcesses().filter((candidate) => parentOf(candidate) === pid);
}

function parentOf(pid: number): number {
  return Number(fieldsOf(read(`/proc/${pid}/stat`))?.[1]);
}

/** Its program and arguments; "" where it is gone. */
export function commandLineOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
}

/** The process that listens on a TCP port of this machine; undefined where none does, or not one of ours. */
export function listenerOn(port: number): number | undefined {
  const inodes = new Set(
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => listenersIn(read(path), port)),
  );
  if (inodes.size === 0) return undefined;
  // a supervisor is older than its workers, which hold the many descriptors
  return allProcesses().find((pid) => linksOf(pid).some((target) => inodes.has(target)));
}

/** For messages: which process listens on a TCP port of this machine, as far as this one may see. */
export function describeListener(port: number): string {
  const pid = listenerOn(port);
  if (pid === undefined) return "a process that cannot be seen from here listens there";
  const command = commandLineOf(pid).trim();
  const program = command.replace(FLAGS, ""); // what follows may be a secret
  const isOrphan = ORPHANS.test(command) && parentOf(pid) === INIT;
  return (
    `process ${pid} (${quote(program)}) listens there` +
    (isOrphan ? `, left behind by an Encke that was killed: end it with \`kill ${pid}\`` : "")
  );
}

/** Socket names, as descriptors' links spell them, of who listens on a port, out of /proc/net/tcp. */
export function listenersIn(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => state === LISTENING && local.endsWith(wanted))
    .map((fields) => `socket:[${fields[9]}]`);
}

function allProcesses(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0)
    .sort((a, b) => a - b);
}

/** Fields of /proc/PID/stat behind the name, which may contain anything: state first, then the parent. */
function fieldsOf(stat: string): string[] | undefined {
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function linksOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((name) => linkOf(`${folder}/${name}`));
  } catch {
    return []; // gone, or another user's: it has nothing that we may count
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone, or not there on this system: callers answer undefined
  }
}
