// The command that prepares deployments: inventory, secrets, releases, packages, and the lab. Only this file
// of the folder reads argv and sets the exit code: 0 success, 1 failure, 2 wrong usage.
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
import { makeSecrets, NATS_USERS, parseSecrets, RENEWABLE, type Renewable } from "./secrets/secrets.ts";
import { inventoryOf, parseOutputs } from "./topology/inventory.ts";
import { parseReports, planMove } from "./topology/move.ts";
import { mappingsOf } from "./topology/shares.ts";
import { readTopology, type Topology } from "./topology/topology.ts";

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopping.abort());

/** Returns the folder of a deployment, which is not in the repository. */
const stateOf = ({ name }: Topology): string => join(projectRoot, "infra", "state", name);

/** Returns the path of the encrypted secrets of a deployment. */
const secretsOf = (topology: Topology): string => join(stateOf(topology), "group_vars", "all", "secrets.yml");

const program = new Command("encke-infra")
  .description("Prepares deployments of Encke, and tests them in a lab on this machine")
  .showHelpAfterError();

program
  .command("inventory <topology>")
  .description("write infra/state/NAME/inventory.json for Ansible, and the mappings for NATS")
  .option("--outputs <file>", "result of `terraform output -json`, if hosts are reached at public addresses")
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
  .description("print the secrets of a deployment as JSON, for `ansible-vault encrypt`")
  .option(
    "--old <file>",
    "existing secrets, encrypted or not (`-`: standard input), which are kept; missing ones are added",
  )
  .option("--renew <what...>", `secrets to replace by new ones: ${RENEWABLE.join(", ")}`, [])
  .action(async (path: string, { old, renew }: { old?: string; renew: string[] }) => {
    const unknown = renew.find((what) => !(RENEWABLE as readonly string[]).includes(what));
    if (unknown !== undefined)
      throw new InfraError("USAGE", `--renew ${JSON.stringify(unknown)}: expected ${RENEWABLE.join(", ")}`);
    const topology = readTopology(path);
    const kept = secretsOf(topology);
    if (old === undefined && existsSync(kept))
      throw new InfraError(
        "USAGE",
        `${kept} exists, and new secrets would lock out every host and application: keep it with --old (docs/deploy.md), or remove it first`,
      );
    const known = old === undefined ? undefined : parseSecrets(await readJson(old));
    const secrets = await makeSecrets(topology, known, new Set(renew as Renewable[]));
    print(JSON.stringify({ encke_secrets: secrets }, undefined, 2));
  });

program
  .command("credentials <topology>")
  .description("print, for a shell, what an application needs to publish and to sign tokens")
  .option("--user <name>", `NATS user: ${NATS_USERS.join(", ")}`, "producer")
  .action(async (path: string, { user: name }: { user: string }) => {
    const user = NATS_USERS.find((known) => known === name);
    if (user === undefined)
      throw new InfraError("USAGE", `--user ${JSON.stringify(name)}: expected ${NATS_USERS.join(", ")}`);
    const topology = readTopology(path);
    const secrets = parseSecrets(await readJson(secretsOf(topology)));
    const ca = join(stateOf(topology), "ca.pem");
    write(ca, secrets.ca.cert.trimEnd());
    print(credentialsOf(topology, secrets, ca, user));
  });

program
  .command("release <topology> <name>")
  .description("pack dist/, its npm packages and this Node.js into infra/state/NAME/releases")
  .action(async (path: string, name: string) => {
    print(await makeBundle({ name, out: join(stateOf(readTopology(path)), "releases") }));
  });

program
  .command("plan-move")
  .description(
    "plan a move of partitions for repartition.yml: read the reports of hosts as JSON, and print JSON",
  )
  .action(async () => {
    const reports = parseReports(await readJson("-"));
    print(JSON.stringify(planMove(reports, randomUUID())));
  });

program
  .command("packages <topology>")
  .description("pack the Debian packages of every role into infra/state/NAME/packages.tar")
  .option("--status <file>", "dpkg status file of such a host; what is installed there is left out")
  .action(async (path: string, { status }: { status?: string }) => {
    print(await fetchPackages(join(stateOf(readTopology(path)), "packages.tar"), status));
  });

const lab = program
  .command("lab")
  .description("run real hosts on this machine, as containers with systemd (needs root)");
lab
  .command("up")
  .description("boot every host of the topology of the lab; they end on their own after an hour")
  .action(async () => {
    const hosts = await Lab.create(print);
    await hosts.up(stopping.signal);
    print(`up: ${hosts.shell("HOST")} opens a shell, infra/lab/down ends it`);
  });
lab
  .command("down")
  .description("end every host and remove everything that the lab made")
  .action(async () => (await Lab.create(print)).down());
lab
  .command("e2e")
  .description("run the end-to-end test: up, site, deploy, rollback, reboot, backup, restore, down")
  .option("--streams <n>", "number of streams over TLS", Number, 240)
  .option("--keep", "keep the hosts after the run", false)
  .option("--day-two", "follow the recipes of day two instead of releases and reboots", false)
  .option(
    "--from <step>",
    "begin with the first step whose name contains this, on hosts that an earlier run kept",
  )
  .action(async (options: { streams: number; keep: boolean; dayTwo: boolean; from?: string }) => {
    const passed = await runEndToEnd({ ...options, signal: stopping.signal, print });
    if (!passed) process.exitCode = 1;
  });
lab
  .command("readers", { hidden: true })
  .description("hold streams over TLS and report as JSON lines; e2e starts it in the network of the lab")
  .argument("<file>", "settings of the readers, as JSON")
  .action(async (file: string) => holdReaders((await readJson(file)) as ReadersConfig, stopping.signal));

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`encke-infra: ${messageOf(error)}\n`);
  process.exitCode = codeOf(error) === "USAGE" ? 2 : 1;
}
process.exit();

/** Reads JSON from a file, encrypted or not, or from standard input (`-`). @throws InfraError USAGE */
async function readJson(path: string): Promise<unknown> {
  const found = path === "-" ? await text(process.stdin) : readFileSync(path, "utf8");
  const isEncrypted = found.startsWith("$ANSIBLE_VAULT");
  // with `run`, because ansible-vault refuses a standard error that Node.js has made non-blocking
  const content = isEncrypted && path !== "-" ? (await run("ansible-vault", ["view", path])).stdout : found;
  try {
    return JSON.parse(content);
  } catch (cause) {
    const shown = path === "-" ? "standard input" : path;
    const remedy = content.startsWith("$ANSIBLE_VAULT") ? "name the file instead" : "pass JSON";
    throw new InfraError("USAGE", `${shown} is not JSON (${messageOf(cause)}): ${remedy}`, { cause });
  }
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${content}\n`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
