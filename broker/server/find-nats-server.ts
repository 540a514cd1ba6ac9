// Where a nats-server is on this machine: the one that NATS_SERVER names, else on PATH, in /usr/sbin, or in
// the project's cache. Looks at files and runs none; keeps nothing.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { messageOf, quote } from "../../lib/errors.ts";
import { cacheDir } from "../../lib/project.ts";
import { BrokerError } from "../errors.ts";

/**
 * /usr/sbin is where Debian puts it and where an ordinary user's PATH does not look; scripts/prepare.mjs
 * unpacks Debian's into the cache, and .ci/run builds a current one there.
 */
const FURTHER_PLACES = [
  "/usr/sbin",
  join(cacheDir, "nats-server", "usr", "sbin"),
  join(cacheDir, "nats-server-current"),
];

/** The variables of the environment that choose a nats-server. */
export interface NatsServerChoice {
  /** Path of the binary. */
  readonly NATS_SERVER?: string | undefined;
  readonly PATH?: string | undefined;
}

/**
 * Path of the nats-server to run; undefined where there is none.
 * @throws BrokerError NATS_SERVER_FAILED where NATS_SERVER names a file that cannot be run
 */
export function findNatsServer(environment: NatsServerChoice): string | undefined {
  return findNatsServers(environment)[0];
}

/**
 * Paths of all nats-servers on this machine, the one to run first. @throws BrokerError NATS_SERVER_FAILED,
 * likewise
 */
export function findNatsServers({ NATS_SERVER: named = "", PATH: path = "" }: NatsServerChoice): string[] {
  const chosen = named === "" ? [] : [checkNamed(named)];
  const found = [...path.split(delimiter), ...FURTHER_PLACES]
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "nats-server"))
    .filter((file) => problemWith(file) === undefined);
  return [...new Set([...chosen, ...found])];
}

function checkNamed(file: string): string {
  const problem = problemWith(file);
  if (problem === undefined) return file;
  throw new BrokerError(
    "NATS_SERVER_FAILED",
    `NATS_SERVER=${quote(file)} cannot be run (${problem}): set it to the path of a nats-server binary, or unset it ` +
      "(NATS_URL names a server that runs already)",
  );
}

/** Why a file cannot be run; undefined where it can. */
function problemWith(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile() ? undefined : "not a file";
  } catch (cause) {
    return messageOf(cause);
  }
}
