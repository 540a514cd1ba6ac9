// Sources of a memory log: given processes, or an edge found through its admin port.

import { CommandError } from "../../lib/command-error.ts";
import { quote } from "../../lib/errors.ts";
import { childrenOf, listenerOn } from "../../lib/processes.ts";
import { socketsOf } from "../processes.ts";
import { readEdgeCounts } from "./edge-metrics.ts";
import type { MemorySource } from "./memory-log.ts";
import { SocketMemory } from "./socket-memory.ts";

export const DEFAULT_ADMIN = "http://127.0.0.1:9180";

/** Returns these processes as a source, with the streams of an edge if one was named. */
export async function fixedSource(pids: readonly number[], admin: string | undefined): Promise<MemorySource> {
  const sockets = new SocketMemory();
  return {
    processes: () => pids,
    connections:
      admin === undefined
        ? async () => pids.reduce((total, pid) => total + socketsOf(pid), 0)
        : await streamsOf(httpUrlOf("--admin", admin)),
    kernelKb: () => sockets.readKb(),
  };
}

/** Returns the edge with an admin port on this machine: the process that listens there, and its children. */
export async function edgeSource(admin: string = DEFAULT_ADMIN): Promise<MemorySource> {
  const url = httpUrlOf("--admin", admin);
  const connections = await streamsOf(url);
  const supervisor = listenerOn(Number(url.port || 80));
  if (supervisor === undefined)
    throw new CommandError(
      "USAGE",
      `${quote(admin)} belongs to a process that is not visible here: run memlog on its machine, as its user`,
    );
  const sockets = new SocketMemory();
  return {
    processes: () => [supervisor, ...childrenOf(supervisor)],
    connections,
    kernelKb: () => sockets.readKb(),
  };
}

/**
 * Returns a function that counts an edge's streams. An edge that is too busy later leaves a gap. @throws
 * CommandError REPLIED_ERROR if there is no edge now
 */
export async function streamsOf(admin: URL): Promise<() => Promise<number | undefined>> {
  await readEdgeCounts(admin);
  return async () => {
    try {
      return (await readEdgeCounts(admin)).streams;
    } catch {
      return undefined; // the cell stays empty
    }
  };
}

/** Parses a URL. @throws CommandError USAGE that names the flag */
export function httpUrlOf(flag: string, text: string): URL {
  if (URL.canParse(text) && new URL(text).protocol === "http:") return new URL(text);
  throw new CommandError("USAGE", `${flag} ${quote(text)} is not an http:// address`);
}
