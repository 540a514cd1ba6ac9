// The configuration that the nats role writes on the first NATS node of a deployment: its template, rendered
// by Ansible.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Secrets } from "../../infra/secrets/secrets.ts";
import { inventoryOf } from "../../infra/topology/inventory.ts";
import { mappingsOf } from "../../infra/topology/shares.ts";
import type { Topology } from "../../infra/topology/topology.ts";
import { projectRoot } from "../../lib/project.ts";
import { findExecutable } from "./find-executable.ts";
import { tempDir } from "./temp-dir.ts";

export const NODE = "nats-1";
const ANSIBLE_MS = 60_000;
const role: string = join(projectRoot, "infra", "ansible", "roles", "nats");

/** Why it cannot be rendered here, or false if it can. */
export const noAnsible: string | false =
  findExecutable("ansible") === undefined && "no ansible on this machine (Debian's ansible-core)";

/** @param version of the nats-server that is to run with it */
export function renderNatsConfig(
  topology: Topology,
  secrets: Pick<Secrets, "nats">,
  version = "2.9.10",
): string {
  const state = tempDir();
  const vars = join(state, "group_vars", "all");
  mkdirSync(vars, { recursive: true });
  copyFileSync(join(role, "defaults", "main.yml"), join(vars, "nats.yml"));
  writeFileSync(
    join(vars, "more.json"),
    JSON.stringify({ encke_secrets: secrets, encke_state: state, nats_version: version }),
  );
  const inventory = join(state, "inventory.json");
  writeFileSync(inventory, JSON.stringify(inventoryOf(topology)));
  writeFileSync(join(state, "partitions.conf"), mappingsOf(topology.hosts));
  const target = join(state, "nats-server.conf");
  const work = `src=${join(role, "templates", "nats-server.conf.j2")} dest=${target}`;
  const args = ["-i", inventory, "-c", "local", NODE, "-m", "ansible.builtin.template", "-a", work];
  const { status, stdout, stderr } = spawnSync("ansible", args, { encoding: "utf8", timeout: ANSIBLE_MS });
  if (status !== 0) throw new Error(`ansible: ${stdout}${stderr}`);
  return readFileSync(target, "utf8");
}
