// encke memlog: the article's memory log. It writes one line per interval: time, connections, process memory,
// kernel memory.

import { type Command, defineCommand, json } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { onEveryBeat, openLog, takeSample } from "../observe/memory-log.ts";
import { edgeSource, fixedSource } from "../observe/memory-source.ts";
import { admin, logInterval, out, pid, seconds } from "../settings.ts";

const DEFAULT_INTERVAL_MS = 60_000;

export const memlog: Command = defineCommand({
  name: "memlog",
  summary: "log memory and connections over time",
  details: `One line every --interval: time, connections, memory of the processes together (pss_kb, of it
anon_kb that is no file, rss_kb), kernel_kb, how
many processes. The processes are the edge behind --admin with its children (of \`encke up\`: the graph and the broker
too), or those of --pid. Connections are the edge's streams; with --pid alone, the sockets that the processes hold.
kernel_kb is the whole machine's: TCP buffers (/proc/net/sockstat) and the growth of the slab (/proc/meminfo) since the
log began, so begin it before the connections. --out is appended to; \`encke plot\` draws it.`,
  settings: {
    ...{ pid, admin, interval: logInterval },
    ...{ seconds, out, json },
  },
  async run({ print, signal }, values) {
    const source = await (values.pid.length > 0
      ? fixedSource(values.pid, values.admin)
      : edgeSource(values.admin));
    const write = openLog(values.out, values.json ? "json" : "tsv", print);
    const untilMs = performance.now() + (values.seconds ?? Number.POSITIVE_INFINITY) * 1000;
    await onEveryBeat({ intervalMs: values.interval ?? DEFAULT_INTERVAL_MS, untilMs, signal }, async () => {
      const sample = await takeSample(source);
      if (sample.processes === 0)
        throw new CommandError(
          "CHECK_FAILED",
          "no process is left to log: all have ended or belong to another user",
        );
      write(sample);
    });
  },
});
