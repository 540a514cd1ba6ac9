// Facts about processes on Linux: their children, their programs, and which of them listens on a port. They
// are read from /proc at every call; nothing is cached.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { quote } from "./errors.ts";

const LISTENING = "0A";
const INIT = 1;
const FLAGS = / -.*$/;
/** Matches the command line of a server that Encke starts for itself. */
const ORPHANS = /\/encke-nats-\w+\/nats-server\.conf$|\bcli\/main\.[jt]s broker --embedded /;

/** Returns the ids of a process's children. */
export function childrenOf(pid: number): number[] {
  return allProcesses().filter((candidate) => parentOf(candidate) === pid);
}

function parentOf(pid: number): number {
  return Number(statFieldsOf(read(`/proc/${pid}/stat`))?.[1]);
}

/** Returns a process's program and arguments; "" if it is gone. */
export function commandLineOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
}

/**
 * Returns the process that listens on a TCP port of this machine; undefined if there is none, or if it
 * belongs to another user.
 */
export function listenerOn(port: number): number | undefined {
  const inodes = new Set(
    ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => listenersIn(read(path), port)),
  );
  if (inodes.size === 0) return undefined;
  // lowest id first: a supervisor is older than its workers, which have many descriptors to read
  return allProcesses().find((pid) => linksOf(pid).some((target) => inodes.has(target)));
}

/** Describes, for a message, which process listens on a TCP port of this machine. */
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

/**
 * Finds the sockets that listen on a port in the text of /proc/net/tcp. Returns their names as links of
 * descriptors spell them.
 */
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

/**
 * Splits /proc/PID/stat after the process's name, which may contain anything. The state is first, then the
 * parent.
 */
export function statFieldsOf(stat: string): string[] | undefined {
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Returns the targets of a process's descriptors, as /proc spells them; none if the process is gone. */
export function linksOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((name) => linkOf(`${folder}/${name}`));
  } catch {
    return []; // the process is gone, or another user's
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed in the meantime
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // the process is gone, or the system has no such file: callers return undefined
  }
}
