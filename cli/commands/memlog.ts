// encke memlog: the article's memory log. A line every --interval: time, connections, process memory, kernel memory.

import { quote } from "../../lib/errors.ts";
import { pick } from "../../lib/settings.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { readEdgeCounts } from "../observe/edge-metrics.ts";
import { KernelMemory } from "../observe/kernel-memory.ts";
import { type MemorySource, onEveryBeat, openLog, takeSample } from "../observe/memory-log.ts";
import { childrenOf, listenerOn, socketsOf } from "../observe/processes.ts";
import { observeSettings } from "../observe/settings.ts";
import { ownSettings } from "../settings.ts";

const DEFAULT_ADMIN = "http://127.0.0.1:9180";

export const memlog: Command = defineCommand({
  name: "memlog",
  summary: "log memory and connections over time",
  details: `One line every --interval: time, connections, memory of the processes together (pss_kb, rss_kb), kernel_kb, how
many processes. The processes are the edge behind --admin with its children (of \`encke up\`: the graph and the broker
too), or those of --pid. Connections are the edge's streams; with --pid alone, the sockets that the processes hold.
kernel_kb is the whole machine's: TCP buffers (/proc/net/sockstat) and the growth of the slab (/proc/meminfo) since the
log began, so begin it before the connections. --out is appended to; \`encke plot\` draws it.`,
  settings: {
    ...pick(observeSettings, "pid", "admin", "interval"),
    ...pick(ownSettings, "seconds", "out", "json"),
  },
  async run({ print, signal }, values) {
    const source = await (values.pid.length > 0
      ? fixedSource(values.pid, values.admin)
      : edgeSource(values.admin));
    const write = openLog(values.out, values.json ? "json" : "tsv", print);
    const untilMs = Date.now() + (values.seconds ?? Number.POSITIVE_INFINITY) * 1000;
    await onEveryBeat({ intervalMs: values.interval, untilMs, signal }, async () => {
      const sample = await takeSample(source);
      if (sample.processes === 0)
        throw new CliError(
          "CHECK_FAILED",
          "no process is left to log: all have ended, or are another user's",
        );
      write(sample);
    });
  },
});

/** These processes; streams of an edge if one was named. */
async function fixedSource(pids: readonly number[], admin: string | undefined): Promise<MemorySource> {
  const kernel = new KernelMemory();
  return {
    processes: () => pids,
    connections:
      admin === undefined
        ? async () => pids.reduce((total, pid) => total + socketsOf(pid), 0)
        : await streamsOf(adminUrlOf(admin)),
    kernelKb: () => kernel.readKb(),
  };
}

/** The edge behind an admin port of this machine: who listens there, and its children. */
async function edgeSource(admin: string = DEFAULT_ADMIN): Promise<MemorySource> {
  const url = adminUrlOf(admin);
  const connections = await streamsOf(url);
  const supervisor = listenerOn(Number(url.port || 80));
  if (supervisor === undefined)
    throw new CliError(
      "USAGE",
      `${quote(admin)} is served by a process that cannot be seen from here: run memlog on its machine as its user`,
    );
  const kernel = new KernelMemory();
  return {
    processes: () => [supervisor, ...childrenOf(supervisor)],
    connections,
    kernelKb: () => kernel.readKb(),
  };
}

/** @throws CliError REPLIED_ERROR where there is no edge now; one that is too busy later leaves a gap */
async function streamsOf(admin: URL): Promise<() => Promise<number | undefined>> {
  await readEdgeCounts(admin);
  return async () => {
    try {
      return (await readEdgeCounts(admin)).streams;
    } catch {
      return undefined; // the line shows it: its cell is empty
    }
  };
}

function adminUrlOf(text: string): URL {
  if (URL.canParse(text) && new URL(text).protocol === "http:") return new URL(text);
  throw new CliError("USAGE", `--admin ${quote(text)} is not a http:// address`);
}
