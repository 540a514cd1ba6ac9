// Finds nats-server on this machine: the one that NATS_SERVER names, else on PATH, in /usr/sbin, or in the
// project's cache. It inspects files, runs none and stores nothing.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { messageOf, quote } from "../../lib/errors.ts";
import { cacheDir } from "../../lib/project.ts";
import { BrokerError } from "../errors.ts";

/**
 * Debian installs it in /usr/sbin, which is not on an ordinary user's PATH. scripts/prepare.mjs unpacks
 * Debian's into the cache, and .ci/run builds a current one there.
 */
const FURTHER_PLACES = [
  "/usr/sbin",
  join(cacheDir, "nats-server", "usr", "sbin"),
  join(cacheDir, "nats-server-current"),
];

/** The environment variables that select a nats-server. */
export interface NatsServerChoice {
  /** Path of the binary. */
  readonly NATS_SERVER?: string | undefined;
  readonly PATH?: string | undefined;
}

/**
 * Returns the path of the nats-server to run; undefined if there is none.
 * @throws BrokerError NATS_SERVER_FAILED if NATS_SERVER names a file that cannot be run
 */
export function findNatsServer(environment: NatsServerChoice): string | undefined {
  return findNatsServers(environment)[0];
}

/**
 * Returns the paths of all nats-servers on this machine, the one to run first.
 * @throws BrokerError NATS_SERVER_FAILED if NATS_SERVER names a file that cannot be run
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
      "(NATS_URL names a server that is already running)",
  );
}

/** Returns why a file cannot be run, or undefined if it can. */
function problemWith(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile() ? undefined : "not a file";
  } catch (cause) {
    return messageOf(cause);
  }
}
