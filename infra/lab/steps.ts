// The steps of the end-to-end test, in order. Each acts as an operator would, checks the result, and returns
// a summary; it throws if a check fails.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InfraError } from "../errors.ts";
import { makeBundle } from "../release/bundle.ts";
import { run } from "../run.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { hostsWith } from "../topology/topology.ts";
import { changesOf, failuresOf, type Played } from "./ansible.ts";
import { makeCheckout } from "./checkout.ts";
import type { Lab } from "./lab.ts";
import type { Operator } from "./operator.ts";
import { encke, groupVars, home, packages, runFolder, state, vaultPassword } from "./places.ts";
import { type Counts, Readers } from "./readers.ts";

export interface Stage {
  readonly lab: Lab;
  readonly streams: number;
  readonly signal: AbortSignal;
  /** Follows docs/deploy.md. */
  readonly operator: Operator;
  readers: Readers | undefined;
  /** Names of releases: the first one, the one that is deployed next, and one that does not start. */
  readonly old: string;
  readonly next: string;
  readonly broken: string;
}

export type Step = (stage: Stage) => Promise<string>;

const releases: string = join(state, "releases");
const secretsFile: string = join(runFolder, "secrets.json");
const GRAPH_HOST = "graph-1";

export const steps: readonly (readonly [string, Step])[] = [
  ["hosts boot", boot],
  ["a checkout, built; secrets, a release", prepare],
  ["site.yml on bare hosts", firstSite],
  ["site.yml again", (stage) => mustNotChange(stage, "site")],
  ["site.yml --check", (stage) => mustNotChange(stage, "site-check")],
  ["verify.yml", firstVerify],
  ["sign in, and publish", publish],
  ["readers over TLS, events over NATS", openReaders],
  ["deploy a release", deployNext],
  ["deploy a broken release", deployBroken],
  ["roll back", rollBack],
  ["reboot a gateway and a NATS node", reboot],
  ["verify.yml again", verify],
  ["backup and restore of the graph", backUpAndRestore],
  ["docs/deploy.md", account],
];

async function boot({ lab, signal }: Stage): Promise<string> {
  await lab.up(signal);
  return `${Object.keys(lab.topology.hosts).length} hosts reached by SSH`;
}

async function prepare({ lab, operator, old, broken, signal }: Stage): Promise<string> {
  await makeCheckout(signal);
  // what the text requires of the operator
  mkdirSync(home, { recursive: true });
  writeFileSync(vaultPassword, "only for the lab\n", { mode: 0o600 });
  operator.begin({ DEPLOYMENT: lab.topology.name, RELEASE: old });
  await operator.follow("release");
  await operator.follow("packages-use");
  copyFileSync(packages, join(state, "packages.tar"));
  copyFileSync(groupVars, join(state, "group_vars", "all", "lab.yml"));
  await makeBundle({
    name: broken,
    out: releases,
    // it prints its help, but its workers die, as with a missing module or a bad default
    alter: (tree) =>
      writeFileSync(join(tree, "dist", "cli", "worker.js"), "throw new Error('this release is broken');\n"),
  });
  return `${readdirSync(releases).length} releases`;
}

async function firstSite({ operator }: Stage): Promise<string> {
  const { changed } = await operator.follow("site");
  return `changed=${changed}`;
}

async function mustNotChange({ operator }: Stage, id: string): Promise<string> {
  const { changed, output } = await operator.again(id);
  must(changed === 0, `changed=${changed}:\n${changesOf(output)}`);
  return "changed=0";
}

async function firstVerify({ lab, operator }: Stage): Promise<string> {
  const found = mustFindAllWell(await operator.follow("verify"));
  for (const name of Object.keys(lab.topology.hosts)) {
    const noted = await lab.ssh(name, 'journalctl --no-pager | grep -c "ansible.*Invoked with" || true');
    must(noted === "0", `the journal of ${name} has ${noted} tasks of Ansible, with keys and passwords`);
  }
  return `${found}; no journal has arguments of Ansible`;
}

async function publish({ operator }: Stage): Promise<string> {
  const { output } = await operator.follow("publish");
  const { recipients } = JSON.parse(output) as { recipients: number };
  must(recipients === 2, `expected two recipients, the author and a follower: ${output}`);
  return `an event has ${recipients} recipients`;
}

async function openReaders(stage: Stage): Promise<string> {
  const { lab, streams } = stage;
  const list = join(runFolder, "follow");
  writeFileSync(list, Array.from({ length: streams }, (_, index) => `${index + 2} 1\n`).join(""));
  await decryptSecrets(stage);
  await asProducer(stage, "graph", "add", "--file", list);
  const { jwt_key: jwtKey, ca, nats } = secretsOf();
  const idleKb = await haproxyKb(lab);
  const readers = new Readers({
    addresses: hostsWith(lab.topology, "gateway").map((name) => lab.addressOf(name)),
    domain: lab.topology.domain,
    ca: ca.cert,
    jwtKey,
    streams,
    nats: { url: natsUrl(lab), user: "producer", password: nats.producer, ca: caFile() },
  });
  stage.readers = readers;
  await readers.until("every stream to be open", ({ open }) => open === streams);
  const before = readers.counts;
  await readers.until("events on every stream", ({ events }) => events - before.events > 5 * streams);
  const answer = await asProducer(stage, "request", "event.1", '{"from":"the lab"}');
  const { delivered, recipients } = JSON.parse(answer) as { delivered: number; recipients: number };
  must(
    delivered === streams && recipients === streams + 1,
    `delivered ${delivered} of ${streams}: ${answer}`,
  );
  mustBeCalm(diff(readers.counts, undefined));
  const perStream = ((await haproxyKb(lab)) - idleKb) / streams;
  return `${streams} streams, a counted event reached ${delivered}; HAProxy ${perStream.toFixed(1)} KB per stream`;
}

async function deployNext(stage: Stage): Promise<string> {
  const found = await during(stage, async () => {
    await stage.operator.again("release", { variables: { RELEASE: stage.next } });
    await stage.operator.follow("deploy", { RELEASE: stage.next });
  });
  await mustRun(stage, stage.next);
  mustBeCalm(found);
  must(
    found.ended >= stage.streams,
    `only ${found.ended} streams were ended, so not every group was drained`,
  );
  return describe(found);
}

async function deployBroken(stage: Stage): Promise<string> {
  const { lab, operator, broken, next } = stage;
  let output = "";
  const found = await during(stage, async () => {
    const played = await operator.again("deploy", { variables: { RELEASE: broken }, mayFail: true });
    must(played.status !== 0, "a broken release was deployed");
    output = played.output;
  });
  const tried = await Promise.all(
    hostsWith(lab.topology, "gateway").map(
      async (name) => [name, await lab.ssh(name, "readlink /opt/encke/candidate")] as const,
    ),
  );
  const having = tried.filter(([, candidate]) => candidate === `releases/${broken}`).map(([name]) => name);
  const reached = having.join(", ") || "no host";
  must(having.length === 1, `the broken release was tried on ${reached}:\n${failuresOf(output)}`);
  await mustRun(stage, next);
  must(
    /this release is broken/.test(output),
    `the playbook does not print the reason:\n${failuresOf(output)}`,
  );
  mustBeCalm(found);
  must(found.ended === 0, `${found.ended} streams were ended`);
  return `stopped at ${having[0]}, ${next} still serves; ${describe(found)}`;
}

async function rollBack(stage: Stage): Promise<string> {
  const found = await during(stage, async () => {
    await stage.operator.follow("rollback");
  });
  await mustRun(stage, stage.old);
  mustBeCalm(found);
  return describe(found);
}

async function reboot(stage: Stage): Promise<string> {
  const found = await during(stage, async () => {
    await stage.operator.follow("reboot");
  });
  must(found.cut === 0 && found.refused === 0, describe(found));
  return describe(found);
}

export async function verify({ operator }: Stage): Promise<string> {
  return mustFindAllWell(await operator.again("verify"));
}

function mustFindAllWell({ changed }: Played): string {
  must(changed === 0, `verify changed ${changed}`);
  return "every host is in the state that the files describe";
}

async function backUpAndRestore(stage: Stage): Promise<string> {
  const countOf = async (): Promise<string> => (await asProducer(stage, "graph", "count", "1")).trim();
  const before = await countOf();
  await stage.operator.follow("backup");
  const [backup = ""] = readdirSync(join(state, "backups"));
  await asProducer(stage, "graph", "add", "9999", "1");
  must((await countOf()) !== before, "the change after the backup is missing");
  const found = await during(stage, async () => {
    await stage.operator.follow("restore", {
      BACKUP: `infra/state/${stage.lab.topology.name}/backups/${backup}`,
    });
  });
  must((await countOf()) === before, `count ${await countOf()}, was ${before}`);
  mustBeCalm(found);
  must(found.ended === 0, `${found.ended} streams were ended`);
  return `count ${before} again; ${describe(found)}`;
}

/** Checks that every command of the followed sections was run, including new ones. */
async function account({ operator }: Stage): Promise<string> {
  const { followed, leftOut, missed } = operator.account;
  const lines = missed.map(({ line, text }) => `docs/deploy.md:${line}: ${text}`);
  must(missed.length === 0, `not run: ${lines.join("; ")}`);
  return `${followed} commands followed, ${leftOut} of them left out`;
}

/** Returns what happened to readers during some work, until every one of them receives events again. */
export async function during({ readers, streams }: Stage, work: () => Promise<void>): Promise<Counts> {
  if (readers === undefined) throw new InfraError("LAB_FAILED", "no readers were started");
  const before = readers.counts;
  await work();
  await readers.until("every stream to be open again", ({ open }) => open === streams);
  const settled = readers.counts.events;
  await readers.until("events on every stream again", ({ events }) => events - settled > 5 * streams);
  return diff(readers.counts, before);
}

function diff(now: Counts, before: Counts | undefined): Counts {
  if (before === undefined) return now;
  const entries = Object.entries(now).map(([name, count]) => [
    name,
    count - (before[name as keyof Counts] ?? 0),
  ]);
  return { ...(Object.fromEntries(entries) as Counts), open: now.open };
}

/**
 * Checks that no reader was cut or refused, and that no event came twice. Events may be lost only while the
 * graph restarts, and readers are told then.
 */
export function mustBeCalm(found: Counts): void {
  const { cut, refused, movedOn, doubled, lost, resyncs } = found;
  const isTold = lost === 0 || resyncs > 0;
  must(cut === 0 && refused === 0 && movedOn === 0 && doubled === 0 && isTold, describe(found));
}

export function describe(found: Counts): string {
  const { ended, cut, refused, movedOn, lost, published, resyncs, doubled } = found;
  return `${ended} ended and came back, ${cut} cut, ${refused} refused, ${movedOn} moved on to another address, ${lost} events lost (${published} published), ${doubled} doubled, ${resyncs} resyncs`;
}

/** Returns the memory of HAProxy on all gateways, with its share of shared pages. */
async function haproxyKb(lab: Lab): Promise<number> {
  const line =
    "cat $(pgrep -x haproxy | sed 's|.*|/proc/&/smaps_rollup|') | awk '/^Pss:/ { sum += $2 } END { print sum }'";
  const all = await Promise.all(hostsWith(lab.topology, "gateway").map((name) => lab.ssh(name, line)));
  return all.reduce((sum, kb) => sum + Number(kb), 0);
}

/** Checks which release the processes on every serving host run, by their working directories. */
async function mustRun({ lab }: Stage, release: string): Promise<void> {
  const line = `for pid in $(systemctl show --value --property MainPID 'gateway@*' encke-graph); do [ "$pid" = 0 ] || basename "$(readlink /proc/$pid/cwd)"; done`;
  for (const name of [...hostsWith(lab.topology, "gateway"), GRAPH_HOST]) {
    const running = new Set((await lab.ssh(name, line)).split("\n"));
    must(
      running.size === 1 && running.has(release),
      `${name} runs ${[...running].join(", ")}, not ${release}`,
    );
  }
}

export async function asProducer({ lab, signal }: Stage, ...args: string[]): Promise<string> {
  const env = {
    NATS_URL: natsUrl(lab),
    NATS_USER: "producer",
    NATS_PASSWORD: secretsOf().nats.producer,
    NATS_CA: caFile(),
  };
  return (await lab.runInside(process.execPath, [encke, ...args], { env, signal })).stdout;
}

export function natsUrl(lab: Lab): string {
  return hostsWith(lab.topology, "nats")
    .map((name) => `tls://${lab.addressOf(name)}:4222`)
    .join(",");
}

/** Decrypts the secrets, which the readers and the producer need. */
export async function decryptSecrets({ signal }: Stage): Promise<void> {
  const target = join(state, "group_vars", "all", "secrets.yml");
  const args = ["view", "--vault-password-file", vaultPassword, target];
  const { stdout } = await run("ansible-vault", args, { signal });
  writeFileSync(secretsFile, stdout, { mode: 0o600 });
}

export function secretsOf(): Secrets {
  const text = readFileSync(secretsFile, "utf8");
  return (JSON.parse(text) as { encke_secrets: Secrets }).encke_secrets;
}

export function caFile(): string {
  const file = join(runFolder, "ca.pem");
  writeFileSync(file, secretsOf().ca.cert);
  return file;
}

export function must(holds: boolean, message: string): asserts holds {
  if (!holds) throw new InfraError("LAB_FAILED", message);
}
