// encke graph backup | restore: writes a snapshot of a graph while it is served, and creates a graph's folder
// from it.

import { resolve } from "node:path";
import { partitionSubject } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, textOf, withClient } from "../../broker/index.ts";
import { restoreBackup } from "../../graph/index.ts";
import { type Command, defineCommand, json } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { withProgress } from "../progress.ts";
import { data, out, partition, timeout } from "../settings.ts";

/** A graph of a million users takes seconds, and one a hundred times as large takes minutes. */
const BACKUP_TIMEOUT_MS = 3_600_000;

export const graphBackup: Command = defineCommand({
  name: "graph backup",
  summary: "have the graph service write a snapshot to a folder on its machine",
  details:
    "Prints the path of the backup once it is complete and on disk. Events and changes are served meanwhile.",
  settings: {
    partition,
    out,
    json,
    ...natsSettings,
    timeout: { ...timeout, default: BACKUP_TIMEOUT_MS },
  },
  run: (context, values) =>
    withClient(chooseNatsToAsk(context, values), context.log, async (client) => {
      if (values.out === undefined)
        throw new CommandError("USAGE", "no folder for the backup: use --out DIR");
      const question = JSON.stringify({ folder: resolve(values.out) });
      const reply = textOf(
        await client.request(partitionSubject(values.partition, "backup"), question, values.timeout),
      );
      context.print(values.json ? reply : (JSON.parse(reply) as { file: string }).file);
    }),
});

export const graphRestore: Command = defineCommand({
  name: "graph restore",
  summary: "create a graph's folder from a backup; the folder must be empty or missing",
  parameters: ["<backup>"],
  settings: { data, json },
  async run(context, { data: directory, json }, [file = ""]) {
    const report = await withProgress(context, { checking: "bytes", writing: "bytes" }, (onProgress) =>
      restoreBackup(file, { directory, onProgress }),
    );
    if (json) return context.print(JSON.stringify(report));
    context.print(
      `graph of ${report.follows} follow relations in ${directory}, up to change ${report.sequence}`,
    );
  },
});
