// What a deployment is prepared with: inventory, secrets, releases, packages, and the lab. The only file of this folder
// that reads argv and chooses the exit code: 0 done, 1 failed, 2 wrong usage.
//
//   node dist/infra/main.js --help

import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { codeOf, messageOf } from "../lib/errors.ts";
import { projectRoot } from "../lib/project.ts";
import { InfraError } from "./errors.ts";
import { runEndToEnd } from "./lab/end-to-end.ts";
import { Lab } from "./lab/lab.ts";
import { holdReaders, type ReadersConfig } from "./lab/readers-command.ts";
import { fetchPackages } from "./packages/fetch.ts";
import { makeBundle } from "./release/bundle.ts";
import { run } from "./run.ts";
import { credentialsOf } from "./secrets/credentials.ts";
import { makeSecrets, parseSecrets, RENEWABLE, type Renewable } from "./secrets/secrets.ts";
import { inventoryOf, parseOutputs } from "./topology/inventory.ts";
import { parseReports, planMove } from "./topology/move.ts";
import { mappingsOf } from "./topology/shares.ts";
import { readTopology, type Topology } from "./topology/topology.ts";

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopping.abort());

/** Folder of a deployment: what is made for it and not kept in the repository. */
const stateOf = ({ name }: Topology): string => join(projectRoot, "infra", "state", name);

/** Where a deployment's secrets lie, encrypted. */
const secretsOf = (topology: Topology): string => join(stateOf(topology), "group_vars", "all", "secrets.yml");

const program = new Command("encke-infra")
  .description("Prepares deployments of Encke, and proves them in a lab on this machine")
  .showHelpAfterError();

program
  .command("inventory <topology>")
  .description("writes infra/state/NAME/inventory.json for Ansible, and the mappings that NATS needs")
  .option("--outputs <file>", "`terraform output -json`, for hosts that are reached by public addresses")
  .action(async (path: string, { outputs }: { outputs?: string }) => {
    const topology = readTopology(path);
    const reachable = outputs === undefined ? undefined : parseOutputs(topology, await readJson(outputs));
    const target = join(stateOf(topology), "inventory.json");
    write(target, JSON.stringify(inventoryOf(topology, reachable), undefined, 2));
    write(join(stateOf(topology), "partitions.conf"), mappingsOf(topology.hosts).trimEnd());
    print(target);
  });

program
  .command("secrets <topology>")
  .description("prints a deployment's secrets as JSON, for `ansible-vault encrypt`")
  .option(
    "--old <file>",
    "secrets that exist, encrypted or not (`-`: standard input): they are kept, what is missing is added",
  )
  .option("--renew <what...>", `makes new ones: ${RENEWABLE.join(", ")}`, [])
  .action(async (path: string, { old, renew }: { old?: string; renew: string[] }) => {
    const unknown = renew.find((what) => !(RENEWABLE as readonly string[]).includes(what));
    if (unknown !== undefined)
      throw new InfraError("USAGE", `--renew ${JSON.stringify(unknown)}: expected ${RENEWABLE.join(", ")}`);
    const topology = readTopology(path);
    const kept = secretsOf(topology);
    if (old === undefined && existsSync(kept))
      throw new InfraError(
        "USAGE",
        `${kept} is there, and new secrets would lock everybody out: keep it with --old (docs/deploy.md, "Change the topology"), or remove it first`,
      );
    const known = old === undefined ? undefined : parseSecrets(await readJson(old));
    const secrets = await makeSecrets(topology, known, new Set(renew as Renewable[]));
    print(JSON.stringify({ encke_secrets: secrets }, undefined, 2));
  });

program
  .command("credentials <topology>")
  .description("prints, for a shell, what an application needs to publish and to sign its users' tokens")
  .action(async (path: string) => {
    const topology = readTopology(path);
    const secrets = parseSecrets(await readJson(secretsOf(topology)));
    const ca = join(stateOf(topology), "ca.pem");
    write(ca, secrets.ca.cert.trimEnd());
    print(credentialsOf(topology, secrets, ca));
  });

program
  .command("release <topology> <name>")
  .description("packs dist/, its packages and this node into infra/state/NAME/releases")
  .action(async (path: string, name: string) => {
    print(await makeBundle({ name, out: join(stateOf(readTopology(path)), "releases") }));
  });

program
  .command("plan-move")
  .description(
    "plans, for repartition.yml, how partitions of the graph move: reads reports of hosts as JSON, prints JSON",
  )
  .action(async () => {
    const reports = parseReports(await readJson("-"));
    print(JSON.stringify(planMove(reports, randomUUID())));
  });

program
  .command("packages <topology>")
  .description("packs the Debian packages of every role into infra/state/NAME/packages.tar")
  .option("--status <file>", "dpkg's status of such a host: what is installed there is left out")
  .action(async (path: string, { status }: { status?: string }) => {
    print(await fetchPackages(join(stateOf(readTopology(path)), "packages.tar"), status));
  });

const lab = program.command("lab").description("real hosts on this machine: systemd in containers, as root");
lab
  .command("up")
  .description("boots every host of the lab's topology; they end by themselves after an hour")
  .action(async () => {
    const hosts = await Lab.create(print);
    await hosts.up(stopping.signal);
    print(`up: ${hosts.shell("HOST")} opens a shell, infra/lab/down ends it`);
  });
lab
  .command("down")
  .description("ends every host and removes what the lab made")
  .action(async () => (await Lab.create(print)).down());
lab
  .command("e2e")
  .description("up, site, deploy, rollback, reboot, backup, down: everything, with real Encke, and a verdict")
  .option("--streams <n>", "live TLS streams", Number, 240)
  .option("--keep", "leave the hosts up", false)
  .option("--day-two", "follow the recipes of day two instead of releases and reboots", false)
  .option("--from <step>", "begin with the step whose name contains this, on hosts that an earlier run kept")
  .action(async (options: { streams: number; keep: boolean; dayTwo: boolean; from?: string }) => {
    const passed = await runEndToEnd({ ...options, signal: stopping.signal, print });
    if (!passed) process.exitCode = 1;
  });
lab
  .command("readers", { hidden: true })
  .description("holds TLS streams and reports as JSON lines: started by e2e, inside the lab's network")
  .argument("<file>", "what they need to know, as JSON")
  .action(async (file: string) => holdReaders((await readJson(file)) as ReadersConfig, stopping.signal));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`encke-infra: ${messageOf(error)}\n`);
  process.exitCode = codeOf(error) === "USAGE" ? 2 : 1;
}
process.exit();

/** `-` is standard input; read as a stream: what is not there yet is waited for. */
async function readJson(path: string): Promise<unknown> {
  const found = path === "-" ? await text(process.stdin) : readFileSync(path, "utf8");
  const isEncrypted = found.startsWith("$ANSIBLE_VAULT");
  // by a call of its own: in a pipeline it would share our stderr, and refuses one that Node has touched
  const content = isEncrypted && path !== "-" ? (await run("ansible-vault", ["view", path])).stdout : found;
  try {
    return JSON.parse(content);
  } catch (cause) {
    const shown = path === "-" ? "standard input" : path;
    const remedy = content.startsWith("$ANSIBLE_VAULT") ? "name the file instead" : "hand in JSON";
    throw new InfraError("USAGE", `${shown} is no JSON (${messageOf(cause)}): ${remedy}`, { cause });
  }
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${content}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
