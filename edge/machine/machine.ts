// The limits of this machine, read once from /proc and parsed here; checks.ts evaluates them.

import { readFileSync } from "node:fs";
import { findNatsServer, type NatsServerChoice } from "../../broker/index.ts";
import { defaultPoolKind } from "../node/held-pool.ts";

/** The source of each text. */
export const PROC_FILES = {
  limits: "/proc/self/limits",
  nrOpen: "/proc/sys/fs/nr_open",
  fileMax: "/proc/sys/fs/file-max",
  fileNr: "/proc/sys/fs/file-nr",
  epollWatches: "/proc/sys/fs/epoll/max_user_watches",
  meminfo: "/proc/meminfo",
  somaxconn: "/proc/sys/net/core/somaxconn",
  ports: "/proc/sys/net/ipv4/ip_local_port_range",
  tcpMem: "/proc/sys/net/ipv4/tcp_mem",
  tcpRmem: "/proc/sys/net/ipv4/tcp_rmem",
  tcpWmem: "/proc/sys/net/ipv4/tcp_wmem",
  conntrackMax: "/proc/sys/net/netfilter/nf_conntrack_max",
  conntrackCount: "/proc/sys/net/netfilter/nf_conntrack_count",
} as const;

/** Returns a file's text; undefined if the kernel has no such file. */
export type ProcTexts = Readonly<Record<keyof typeof PROC_FILES, string | undefined>>;

/** Numbers are undefined if the kernel does not report them. */
export interface Machine {
  readonly openFiles: { readonly soft: number; readonly hard: number };
  /** The value to which a process can raise its limit. */
  readonly nrOpen: number | undefined;
  readonly fileMax: number | undefined;
  readonly filesOpen: number | undefined;
  readonly epollWatches: number | undefined;
  readonly memAvailableBytes: number | undefined;
  readonly somaxconn: number | undefined;
  /** Ephemeral ports per address. */
  readonly ports: number;
  /** Pages of all TCP buffers: low, pressure, high. */
  readonly tcpMem: readonly number[];
  /** Bytes of a socket's buffers: minimum, initial, maximum. */
  readonly tcpRmem: readonly number[];
  readonly tcpWmem: readonly number[];
  readonly conntrackMax: number | undefined;
  readonly conntrackCount: number | undefined;
  readonly natsServer: boolean;
  readonly addons: { readonly pool: boolean; readonly flood: boolean };
}

/** Assumed if /proc does not exist. */
const LIMIT_ELSEWHERE = 1_024;
const PORTS_ELSEWHERE = 28_232;

/** @param flood whether the addon of `encke flood` is built; true if no flood is run */
export function readMachine(environment: NatsServerChoice, { flood }: { readonly flood: boolean }): Machine {
  const texts = Object.fromEntries(
    Object.entries(PROC_FILES).map(([key, file]) => [key, readOptional(file)]),
  );
  return {
    ...parseMachine(texts as ProcTexts),
    natsServer: findNatsServer(environment) !== undefined,
    addons: { pool: defaultPoolKind() === "native", flood },
  };
}

export function parseMachine(texts: ProcTexts): Omit<Machine, "natsServer" | "addons"> {
  const [soft, hard] = limitsOf(texts.limits ?? "");
  const [first = 0, last = PORTS_ELSEWHERE - 1] = numbersOf(texts.ports);
  const availableKb = /^MemAvailable:\s+(\d+) kB/m.exec(texts.meminfo ?? "")?.[1];
  return {
    openFiles: { soft, hard },
    nrOpen: numbersOf(texts.nrOpen)[0],
    fileMax: numbersOf(texts.fileMax)[0],
    filesOpen: numbersOf(texts.fileNr)[0],
    epollWatches: numbersOf(texts.epollWatches)[0],
    memAvailableBytes: availableKb === undefined ? undefined : Number(availableKb) * 1_024,
    somaxconn: numbersOf(texts.somaxconn)[0],
    ports: last - first + 1,
    tcpMem: numbersOf(texts.tcpMem),
    tcpRmem: numbersOf(texts.tcpRmem),
    tcpWmem: numbersOf(texts.tcpWmem),
    conntrackMax: numbersOf(texts.conntrackMax)[0],
    conntrackCount: numbersOf(texts.conntrackCount)[0],
  };
}

function limitsOf(text: string): [soft: number, hard: number] {
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text) ?? [];
  const parse = (limit: string | undefined): number =>
    limit === "unlimited" ? Number.MAX_SAFE_INTEGER : Number(limit ?? LIMIT_ELSEWHERE);
  return [parse(soft), parse(hard)];
}

function numbersOf(text: string | undefined): number[] {
  return (text ?? "").trim().split(/\s+/).filter(Boolean).map(Number);
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // this kernel has no such file: the check says so or is left out
  }
}
