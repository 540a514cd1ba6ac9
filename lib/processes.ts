// What Linux tells about processes: their children, their programs, and which of them listens on a port. Read from /proc
// at every call; nothing is kept.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { quote } from "./errors.ts";

const LISTENING = "0A";
const INIT = 1;
const FLAGS = / -.*$/;
/** Servers that Encke starts for itself. */
const ORPHANS = /\/encke-nats-\w+\/nats-server\.conf$|\bcli\/main\.[jt]s broker --embedded /;

/** Ids of a process's children. */
export function childrenOf(pid: number): number[] {
  return allProcesses().filter((candidate) => parentOf(candidate) === pid);
}

function parentOf(pid: number): number {
  return Number(statFieldsOf(read(`/proc/${pid}/stat`))?.[1]);
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
export function statFieldsOf(stat: string): string[] | undefined {
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** What its descriptors are, as /proc spells them; none where it is gone. */
export function linksOf(pid: number): string[] {
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
