// The installed nats-servers, one of each version. The first is the selected one (NATS_SERVER, else PATH: see
// broker/server/find-nats-server.ts). A suite whose outcome depends on the server runs on each of them; other
// suites run on the first. If none is installed, one placeholder lets the suites report themselves as
// skipped.

import { findNatsServers, versionOfNatsServer } from "../../broker/index.ts";

export interface InstalledServer {
  /** Includes the version. */
  readonly name: string;
  readonly version: string;
  /** Path of the binary. */
  readonly binary: string;
  /** Why suites cannot use it, or false if they can. */
  readonly skip: string | false;
}

const NONE: InstalledServer = {
  ...{ name: "nats-server", version: "", binary: "" },
  skip: "no nats-server on this machine",
};

/** All servers, at least one. */
export const natsServers: readonly [InstalledServer, ...InstalledServer[]] = atLeastOne(
  findNatsServers(process.env),
);

/** The selected server, for suites whose outcome does not depend on the version. */
export const natsServer: InstalledServer = natsServers[0];

function atLeastOne(binaries: readonly string[]): [InstalledServer, ...InstalledServer[]] {
  const byVersion = new Map<string, InstalledServer>();
  for (const binary of binaries) {
    const version = versionOfNatsServer(binary);
    const name = `nats-server ${version}`;
    if (!byVersion.has(version)) byVersion.set(version, { name, version, binary, skip: false });
  }
  const [first = NONE, ...others] = byVersion.values();
  return [first, ...others];
}
