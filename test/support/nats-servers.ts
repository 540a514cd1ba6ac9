// The installed nats-servers, one of each version. The first is the selected one (NATS_SERVER, else PATH: see
// broker/server/find-nats-server.ts). A suite whose outcome depends on the server runs on each of them; other
// suites run on the first. If none is installed, one placeholder lets the suites report themselves as
// skipped.

import { spawnSync } from "node:child_process";
import { findNatsServers } from "../../broker/index.ts";

export interface InstalledServer {
  /** Includes the version. */
  readonly name: string;
  /** Path of the binary. */
  readonly binary: string;
  /** Why suites cannot use it, or false if they can. */
  readonly skip: string | false;
}

const NONE: InstalledServer = { name: "nats-server", binary: "", skip: "no nats-server on this machine" };

/** All servers, at least one. */
export const natsServers: readonly [InstalledServer, ...InstalledServer[]] = atLeastOne(
  findNatsServers(process.env),
);

/** The selected server, for suites whose outcome does not depend on the version. */
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

/**
 * Reads the version that a binary prints.
 * @throws Error if it prints none
 */
function versionOf(binary: string): string {
  const { stdout, stderr, error } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  const version = /v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (version !== undefined) return version;
  throw new Error(`${binary} --version: ${error?.message ?? `${stdout}${stderr}`}`);
}
