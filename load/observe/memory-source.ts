// What a memory log is about: given processes, or an edge found through its admin port.

import { CommandError } from "../../lib/command-error.ts";
import { quote } from "../../lib/errors.ts";
import { childrenOf, listenerOn } from "../../lib/processes.ts";
import { socketsOf } from "../processes.ts";
import { readEdgeCounts } from "./edge-metrics.ts";
import type { MemorySource } from "./memory-log.ts";
import { SocketMemory } from "./socket-memory.ts";

export const DEFAULT_ADMIN = "http://127.0.0.1:9180";

/** These processes; streams of an edge if one was named. */
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

/** The edge behind an admin port of this machine: who listens there, and its children. */
export async function edgeSource(admin: string = DEFAULT_ADMIN): Promise<MemorySource> {
  const url = httpUrlOf("--admin", admin);
  const connections = await streamsOf(url);
  const supervisor = listenerOn(Number(url.port || 80));
  if (supervisor === undefined)
    throw new CommandError(
      "USAGE",
      `${quote(admin)} is served by a process that cannot be seen from here: run memlog on its machine as its user`,
    );
  const sockets = new SocketMemory();
  return {
    processes: () => [supervisor, ...childrenOf(supervisor)],
    connections,
    kernelKb: () => sockets.readKb(),
  };
}

/** An edge's streams. @throws CommandError REPLIED_ERROR where there is no edge now; one that is too busy later leaves a gap */
export async function streamsOf(admin: URL): Promise<() => Promise<number | undefined>> {
  await readEdgeCounts(admin);
  return async () => {
    try {
      return (await readEdgeCounts(admin)).streams;
    } catch {
      return undefined; // the line shows it: its cell is empty
    }
  };
}

/** @throws CommandError USAGE that names the flag */
export function httpUrlOf(flag: string, text: string): URL {
  if (URL.canParse(text) && new URL(text).protocol === "http:") return new URL(text);
  throw new CommandError("USAGE", `${flag} ${quote(text)} is not a http:// address`);
}
