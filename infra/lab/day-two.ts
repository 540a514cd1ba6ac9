// The long form of the end-to-end test: follows the recipes of "Day two" in docs/deploy.md on the hosts of
// the lab, while readers are connected over TLS. Each step checks what the text promises, and returns what
// happened to the readers.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { partitionOf } from "../../broker/contract.ts";
import type { Host } from "../topology/topology.ts";
import { Changes, fillGraph, readWholeGraph, type WholeGraph } from "./day-two-graph.ts";
import { SPARES } from "./lab.ts";
import { checkout, runFolder } from "./places.ts";
import type { Counts } from "./readers.ts";
import {
  asProducer,
  caFile,
  decryptSecrets,
  describe,
  during,
  must,
  mustBeCalm,
  natsUrl,
  type Stage,
  type Step,
  secretsOf,
  steps,
  verify,
} from "./steps.ts";

const PARTITIONS = 16;
/** A topic in the half of the graph that does not contain the topic "1" of the readers. */
const OTHER_TOPIC = Array.from({ length: 99 }, (_, n) => `other-${n}`).find(
  (topic) =>
    Math.floor((2 * partitionOf(topic, PARTITIONS)) / PARTITIONS) !==
    Math.floor((2 * partitionOf("1", PARTITIONS)) / PARTITIONS),
) as string;
const FIRST_STEPS = /^(hosts boot|a checkout|site\.yml on bare|readers over TLS)/;
/** Ansible is killed when it begins these tasks: before all new folders are complete, and during the swap. */
const INTERRUPTED_AT = [
  /TASK \[graph : Load the new folder/,
  /TASK \[graph : Replace the folder by the new one/,
];

/** The step that a run which begins later must do first. */
export const READERS_STEP: RegExp = /^readers over TLS/;

export const dayTwoSteps: readonly (readonly [string, Step])[] = [
  ...steps
    .filter(([name]) => FIRST_STEPS.test(name))
    .map(([name, step]) => [name, withSpares(name, step)] as const),
  ["add a gateway", addGateway],
  ["divide the graph", divideGraph],
  ["move partitions, interrupted twice", movePartitions],
  ["replace a NATS node", replaceNats],
  ["renew nats", (stage) => renew(stage, "nats")],
  ["renew hosts", (stage) => renew(stage, "hosts")],
  ["renew jwt", (stage) => renew(stage, "jwt")],
  ["renew site", (stage) => renew(stage, "site")],
  ["renew ca", (stage) => renew(stage, "ca")],
  ["one whole graph again", uniteGraph],
  ["remove a gateway", removeGateway],
  ["verify.yml", verify],
];

function withSpares(name: string, step: Step): Step {
  if (!name.startsWith("hosts boot")) return step;
  return async ({ lab, signal }) => {
    await lab.up(signal, SPARES);
    return `${Object.keys({ ...lab.topology.hosts, ...SPARES }).length} hosts reached by SSH, ${Object.keys(SPARES).length} of them spare`;
  };
}

async function addGateway(stage: Stage): Promise<string> {
  const { lab, readers } = stage;
  const found = await during(stage, async () => {
    await changeTopology(stage, (hosts) => {
      hosts["gw-3"] = SPARES["gw-3"] as Host;
    });
    await stage.operator.again("site");
  });
  mustBeCalm(found);
  must(found.ended === 0, `${found.ended} streams were ended`);
  readers?.tell({ addresses: ["gw-1", "gw-2", "gw-3"].map((name) => lab.addressOf(name)) });
  const heard = await readAt(stage, "gw-3");
  must(/"n":/.test(heard), `gw-3 streams no events: ${heard}`);
  return `a reader at gw-3 receives events; ${describe(found)}`;
}

async function divideGraph(stage: Stage): Promise<string> {
  await fillGraph(stage);
  const list = join(runFolder, "follow-other");
  const lines = Array.from({ length: stage.streams }, (_, index) => `${index + 2} ${OTHER_TOPIC}\n`);
  writeFileSync(list, lines.join(""));
  await asProducer(stage, "graph", "add", "--file", list);
  await mustReachAll(stage);
  return repartition(stage, { "graph-1": "0-7/16", "graph-2": "8-15/16" });
}

async function movePartitions(stage: Stage): Promise<string> {
  return repartition(stage, { "graph-1": "0-3/16", "graph-2": "4-15/16" }, INTERRUPTED_AT);
}

async function uniteGraph(stage: Stage): Promise<string> {
  return repartition(stage, { "graph-1": undefined, "graph-2": "none" });
}

/** Moves partitions while the graph is being changed, and compares the whole graph before and after. */
async function repartition(
  stage: Stage,
  shares: Readonly<Record<string, string | undefined>>,
  interruptedAt: readonly RegExp[] = [],
): Promise<string> {
  const before = await readWholeGraph(stage);
  await changeTopology(stage, (hosts) => {
    for (const [name, partitions] of Object.entries(shares)) {
      const { partitions: _, ...host } = hosts[name] ?? (SPARES[name] as Host);
      hosts[name] = { ...host, ...(partitions === undefined ? {} : { partitions }) };
    }
  });
  const refused = await stage.operator.again("site", { mayFail: true });
  const refuses = refused.status !== 0 && /run repartition\.yml/.test(refused.output);
  must(refuses, "site.yml did not refuse what repartition.yml must do");
  let changes: Changes | undefined;
  const startedAtMs = performance.now();
  const found = await during(stage, async () => {
    changes = new Changes(stage, 100_000 + (Math.floor(startedAtMs) % 1_000_000));
    for (const task of interruptedAt) {
      const { status } = await stage.operator.again("repartition", {
        change: (line) => killedAt(task, line),
        mayFail: true,
      });
      must(status !== 0, `repartition.yml was not interrupted at ${task}`);
    }
    await stage.operator.again("repartition");
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(0);
    await changes.stop();
    stage.lab.print(`        repartition.yml took ${seconds} s`);
  });
  await mustReachAll(stage);
  const after = await readWholeGraph(stage);
  const { acknowledged = [], tried = [] } = changes ?? {};
  must(acknowledged.length > 0, `none of ${tried.length} changes was acknowledged`);
  mustBeSame(before, after, acknowledged, tried);
  must(found.cut === 0 && found.refused === 0 && found.ended === 0 && found.doubled === 0, describe(found));
  must(found.resyncs >= stage.streams, `${found.resyncs} resyncs: not every reader was told`);
  return `${after.followers.size} followers, ${after.muted.size} muted, ${after.blocked.size} blocked as before, and ${acknowledged.length} changes acknowledged meanwhile (${tried.length - acknowledged.length} refused); ${describe(found)}`;
}

function mustBeSame(
  before: WholeGraph,
  after: WholeGraph,
  acknowledged: readonly string[],
  tried: readonly string[],
): void {
  const expected = new Set([...before.followers, ...acknowledged]);
  const allowed = new Set([...expected, ...tried]);
  const missing = [...expected].filter((pair) => !after.followers.has(pair));
  const strange = [...after.followers].filter((pair) => !allowed.has(pair));
  const shown = (pairs: readonly string[]): string => `${pairs.length} (${pairs.slice(0, 5).join(", ")})`;
  must(missing.length + strange.length === 0, `missing: ${shown(missing)}; unexpected: ${shown(strange)}`);
  for (const kind of ["muted", "blocked"] as const) {
    const same =
      before[kind].size === after[kind].size && [...before[kind]].every((it) => after[kind].has(it));
    must(same && after[kind].size > 0, `${kind}: ${before[kind].size} before, ${after[kind].size} after`);
  }
}

/** Checks that an event of each half of the graph reaches every reader. */
async function mustReachAll(stage: Stage): Promise<void> {
  for (const topic of ["1", OTHER_TOPIC]) {
    const answer = await asProducer(stage, "request", `event.${topic}`, '{"from":"day two"}');
    const { delivered } = JSON.parse(answer) as { delivered: number };
    must(delivered === stage.streams, `event.${topic} reached ${delivered} of ${stage.streams}: ${answer}`);
  }
}

async function replaceNats(stage: Stage): Promise<string> {
  const found = await during(stage, async () => {
    await stage.lab.replace("nats-2", stage.signal);
    await stage.operator.again("site-nats");
  });
  must(found.cut === 0 && found.refused === 0 && found.ended === 0, describe(found));
  await mustReachAll(stage);
  return describe(found);
}

type Renewed = "nats" | "hosts" | "jwt" | "site" | "ca";

/** What each renewal may do to readers, according to the table in docs/deploy.md. */
const PROMISES: Readonly<Record<Renewed, { readonly waits: boolean; holds(found: Counts): boolean }>> = {
  nats: { waits: false, holds: ({ cut, refused }) => cut + refused === 0 },
  hosts: { waits: true, holds: ({ cut, refused, ended }) => cut + refused + ended === 0 },
  jwt: { waits: true, holds: ({ cut }) => cut === 0 },
  site: { waits: true, holds: ({ cut, refused, ended, resyncs }) => cut + refused + ended + resyncs === 0 },
  ca: { waits: false, holds: ({ cut, refused }) => cut + refused === 0 },
};

async function renew(stage: Stage, what: Renewed): Promise<string> {
  const { waits, holds } = PROMISES[what];
  const { lab, operator, readers } = stage;
  const { ca: old } = secretsOf();
  const found = await during(stage, async () => {
    await operator.again("secrets-renew", { variables: { RENEW: what } });
    await decryptSecrets(stage);
    const { jwt_key: jwtKey, ca, nats } = secretsOf();
    readers?.tell({ ca: old.cert + ca.cert });
    await operator.again(waits ? "site" : "site-renewed");
    // the applications get their new password, and the readers new tokens
    const producer = { url: natsUrl(lab), user: "producer", password: nats.producer, ca: caFile() };
    readers?.tell({ jwtKey, ca: ca.cert, ...(what === "nats" || what === "ca" ? { nats: producer } : {}) });
  });
  must(holds(found), `${what}: ${describe(found)}`);
  await mustReachAll(stage);
  return describe(found);
}

async function removeGateway(stage: Stage): Promise<string> {
  const { lab, readers } = stage;
  readers?.tell({ addresses: ["gw-1", "gw-2"].map((name) => lab.addressOf(name)) });
  const found = await during(stage, async () => {
    await stage.operator.again("drain");
  });
  mustBeCalm(found);
  const rest = await during(stage, async () => {
    await changeTopology(stage, (hosts) => {
      delete hosts["gw-3"];
    });
    await stage.operator.again("site");
  });
  mustBeCalm(rest);
  must(rest.ended === 0, describe(rest));
  return describe(found);
}

/** Edits the topology, and follows "Change the topology". */
async function changeTopology(
  { operator }: Stage,
  edit: (hosts: Record<string, Host>) => void,
): Promise<void> {
  const file = join(checkout, "infra", "topology", "lab.json");
  // a later run that continues from here has a new checkout without the edits
  const kept = join(runFolder, "topology.json");
  const topology = JSON.parse(readFileSync(existsSync(kept) ? kept : file, "utf8")) as {
    hosts: Record<string, Host>;
  };
  edit(topology.hosts);
  for (const path of [file, kept]) writeFileSync(path, `${JSON.stringify(topology, undefined, 2)}\n`);
  for (const id of ["inventory-private", "secrets-update"]) await operator.again(id);
}

/** Returns a line that runs the command, and kills it with all of its children when it begins a task. */
function killedAt(task: RegExp, line: string): string {
  const log = join(runFolder, "interrupted.log");
  return `set -m; ${line} > ${log} 2>&1 & pid=$!; until grep -qE '${task.source}' ${log} || ! kill -0 $pid; do sleep 0.05; done; kill -KILL -- -$pid; wait $pid`;
}

/** Returns what one more reader at a host receives within four seconds. */
async function readAt({ lab, signal }: Stage, host: string): Promise<string> {
  const { jwt_key: key } = secretsOf();
  const { domain } = lab.topology;
  const line = `token=$(ENCKE_JWT_KEY=${key} $ENCKE token --sub 5) && curl --silent --max-time 4 --no-buffer --cacert ${caFile()} --resolve ${domain}:443:${lab.addressOf(host)} -H "authorization: Bearer $token" -H 'accept: application/x-ndjson' https://${domain}/stream`;
  const env = { ENCKE: `${process.execPath} ${join(checkout, "dist", "cli", "main.js")}` };
  const { stdout } = await lab.runInside("bash", ["-c", line], { env, signal, accept: [28] });
  return stdout.slice(0, 2_000);
}
