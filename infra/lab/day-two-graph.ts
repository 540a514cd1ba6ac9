// Reads the whole graph of the lab from backups as text, to compare it before and after a move of partitions;
// and changes the graph meanwhile, remembering which changes were acknowledged.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../run.ts";
import { encke, runFolder, state } from "./places.ts";
import { asProducer, type Stage } from "./steps.ts";

const USERS = 400;
/** Number of follows in the random graph, in addition to those of the readers. */
const FOLLOWS = 4_000;
const KINDS = ["followers", "muted", "blocked"] as const;

/** The lines of each kind from all hosts together. */
export type WholeGraph = Readonly<Record<(typeof KINDS)[number], ReadonlySet<string>>>;

/** Adds follows, mutes and blocks in every partition, on topics of one to four tokens. */
export async function fillGraph(stage: Stage): Promise<void> {
  const pairs = Array.from({ length: FOLLOWS }, (_, index) => {
    const topic = 1_000 + ((index * 7_919) % USERS);
    const name = index % 4 === 0 ? `photo.${topic}` : index % 9 === 0 ? `a.b.c.${topic}` : String(topic);
    return `${1_000 + ((index * 104_729) % (USERS + 1))} ${name}`;
  }).filter((pair) => pair.split(" ")[0] !== pair.split(" ")[1]);
  const change = async (verb: string, lines: readonly string[]): Promise<void> => {
    const file = join(runFolder, `graph-${verb}`);
    writeFileSync(file, `${lines.join("\n")}\n`);
    await asProducer(stage, "graph", verb, "--file", file);
  };
  await change("add", pairs);
  const everyFiftieth = (offset: number) => pairs.filter((_, index) => index % 50 === offset);
  await change("mute", everyFiftieth(7));
  await change("block", everyFiftieth(21));
}

/** Takes backups as docs/deploy.md describes, and reads them. */
export async function readWholeGraph({ operator, signal }: Stage): Promise<WholeGraph> {
  const backups = join(state, "backups");
  rmSync(backups, { recursive: true, force: true });
  await operator.again("backup");
  const graphs = { followers: new Set<string>(), muted: new Set<string>(), blocked: new Set<string>() };
  const folder = join(runFolder, "whole");
  for (const backup of readdirSync(backups)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const graph = (...args: string[]) => run(process.execPath, [encke, "graph", ...args], { signal });
    const data = join(folder, "graph");
    await graph("restore", join(backups, backup), "--data", data);
    for (const kind of KINDS) {
      const out = join(folder, kind);
      await graph("export", "--data", data, "--only", kind, "--out", out);
      for (const line of readFileSync(out, "utf8").split("\n").filter(Boolean)) graphs[kind].add(line);
    }
  }
  rmSync(folder, { recursive: true, force: true });
  return graphs;
}

/** Adds follows, one by one, until it is stopped. One that was refused or got no reply is only in `tried`. */
export class Changes {
  readonly acknowledged: string[] = [];
  readonly tried: string[] = [];
  readonly #stage: Stage;
  readonly #running: Promise<void>;
  #stopped = false;
  #number: number;

  /** @param first the first subscriber; each one follows another topic */
  constructor(stage: Stage, first: number) {
    this.#stage = stage;
    this.#number = first;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#number += 1;
      const pair = [String(this.#number), String(1_000 + (this.#number % USERS))] as const;
      this.tried.push(pair.join(" "));
      const answered = await asProducer(this.#stage, "graph", "add", ...pair).then(
        () => true,
        () => false, // no host serves the partition at the moment, and the client reports it
      );
      if (answered) this.acknowledged.push(pair.join(" "));
    }
  }
}
