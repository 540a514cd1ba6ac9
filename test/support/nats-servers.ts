// The nats-servers of this machine, one of each version, the chosen one first (NATS_SERVER, else PATH: see
// broker/server/find-nats-server.ts). A suite whose outcome depends on the server runs on each; the others
// run on the first. Where there is none, one entry stands for it and its suites report themselves as skipped.

import { spawnSync } from "node:child_process";
import { findNatsServers } from "../../broker/index.ts";

export interface InstalledServer {
  /** With its version. */
  readonly name: string;
  /** Path of its binary. */
  readonly binary: string;
  /** Why suites cannot run on it; false where they can. */
  readonly skip: string | false;
}

const NONE: InstalledServer = { name: "nats-server", binary: "", skip: "no nats-server on this machine" };

/** At least one. */
export const natsServers: readonly [InstalledServer, ...InstalledServer[]] = atLeastOne(
  findNatsServers(process.env),
);

/** The one that suites run on whose outcome does not depend on the version. */
export const natsServer: InstalledServer = natsServers[0];

function atLeastOne(binaries: readonly string[]): [InstalledServer, ...InstalledServer[]] {
  const byVersion = new Map<string, InstalledServer>();
  for (const binary of binaries) {
    const name = `nats-server ${versionOf(binary)}`;
    if (!byVersion.has(name)) byVersion.set(name, { name, binary, skip: false });
  }
  const [first = NONE, ...others] = byVersion.values();
  return [first, ...others];
}

/** @throws Error where the binary does not print a version */
function versionOf(binary: string): string {
  const { stdout, stderr, error } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  const version = /v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (version !== undefined) return version;
  throw new Error(`${binary} --version: ${error?.message ?? `${stdout}${stderr}`}`);
}
