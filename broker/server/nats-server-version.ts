// Versions of nats-server, as its binary prints them.

import { spawnSync } from "node:child_process";
import { messageOf, quote } from "../../lib/errors.ts";
import { BrokerError } from "../errors.ts";

const START_MS = 10_000;
const VERSION = /^v?(\d+)\.(\d+)\.(\d+)/;

/** Reports whether a text is a version, such as `2.15.3`. */
export function isVersion(text: string): boolean {
  return VERSION.test(text);
}

/** Reports whether a version is this one or later. */
export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, given = 0, second = 0] = (VERSION.exec(version) ?? []).map(Number);
  return given > major || (given === major && second >= minor);
}

/**
 * Returns the version of a binary, such as `2.15.3`.
 * @throws BrokerError NATS_SERVER_FAILED if it prints none
 */
export function versionOfNatsServer(binary: string): string {
  const { stdout, stderr, error } = spawnSync(binary, ["--version"], { encoding: "utf8", timeout: START_MS });
  const version = /v(\d+\.\d+\.\d+\S*)/.exec(stdout ?? "")?.[1];
  if (version !== undefined) return version;
  const reason = error === undefined ? quote(`${stdout}${stderr}`) : messageOf(error);
  throw new BrokerError(
    "NATS_SERVER_FAILED",
    `${binary} prints no version (${reason}): set NATS_SERVER to a nats-server`,
  );
}
