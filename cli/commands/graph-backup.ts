// encke graph backup | restore: a snapshot of a graph while it is served, and a graph's folder out of it.

import { resolve } from "node:path";
import { partitionSubject } from "../../broker/contract.ts";
import { chooseNatsToAsk, natsSettings, textOf, withClient } from "../../broker/index.ts";
import { restoreBackup } from "../../graph/index.ts";
import { type Command, defineCommand, json } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { withProgress } from "../progress.ts";
import { data, out, partition, timeout } from "../settings.ts";

/** A graph of a million users takes seconds; a hundred times as large, minutes. */
const BACKUP_TIMEOUT_MS = 3_600_000;

export const graphBackup: Command = defineCommand({
  name: "graph backup",
  summary: "let the graph service write a snapshot into a folder on its machine",
  details: "Prints the path of the backup once it is whole and on disk. Events and changes go on meanwhile.",
  settings: {
    partition,
    out,
    json,
    ...natsSettings,
    timeout: { ...timeout, default: BACKUP_TIMEOUT_MS },
  },
  run: (context, values) =>
    withClient(chooseNatsToAsk(context, values), context.log, async (client) => {
      if (values.out === undefined) throw new CommandError("USAGE", "into which folder? say --out DIR");
      const question = JSON.stringify({ folder: resolve(values.out) });
      const reply = textOf(
        await client.request(partitionSubject(values.partition, "backup"), question, values.timeout),
      );
      context.print(values.json ? reply : (JSON.parse(reply) as { file: string }).file);
    }),
});

export const graphRestore: Command = defineCommand({
  name: "graph restore",
  summary: "make a graph's folder out of a backup; the folder must be empty or not there",
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
