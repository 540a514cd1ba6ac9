// Downloads Debian packages for hosts that reach no archive: everything that the roles install, with the
// dependencies that a minimal Debian 12 lacks, as one tar with an index for apt. It must run on a Debian 12
// machine that reaches an archive.

import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { InfraError } from "../errors.ts";
import { run } from "../run.ts";

/** The packages of all roles, from their defaults. */
const PACKAGES: readonly string[] =
  "ca-certificates chrony curl haproxy nats-server nftables openssl prometheus prometheus-node-exporter socat".split(
    " ",
  );

const FETCH_MS = 600_000;

/**
 * Downloads the packages and packs them.
 * @param status the dpkg status file of a machine like the hosts; without it, the tar also has what they
 * already have
 * @throws InfraError TOOL_FAILED if apt fails
 */
export async function fetchPackages(target: string, status?: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "encke-packages-"));
  try {
    const empty = join(folder, ".status");
    writeFileSync(empty, "");
    mkdirSync(join(folder, "partial"));
    const options = [
      `Dir::State::status=${status ?? empty}`,
      `Dir::Cache::archives=${folder}`,
      "APT::Sandbox::User=",
      "Debug::NoLocking=1",
      "APT::Install-Recommends=false",
    ].flatMap((option) => ["-o", option]);
    await run("apt-get", [...options, "-y", "--download-only", "install", ...PACKAGES], {
      timeoutMs: FETCH_MS,
    });
    const names = readdirSync(folder)
      .filter((name) => name.endsWith(".deb"))
      .sort();
    if (names.length === 0)
      throw new InfraError("TOOL_FAILED", "apt downloaded nothing: run `apt-get update` first");
    writeFileSync(join(folder, "Packages"), await indexOf(folder, names));
    mkdirSync(dirname(target), { recursive: true });
    await run("tar", ["-C", folder, "-cf", `${target}.part`, "Packages", ...names]);
    renameSync(`${target}.part`, target);
    return target;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns the index of packages for apt: the control data, file name, size and hash of each. */
async function indexOf(folder: string, names: readonly string[]): Promise<string> {
  const entries: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const { stdout } = await run("dpkg-deb", ["-f", path]);
    const hash = createHash("sha256").update(readFileSync(path)).digest("hex");
    entries.push(`${stdout.trimEnd()}\nFilename: ./${name}\nSize: ${statSync(path).size}\nSHA256: ${hash}\n`);
  }
  return entries.join("\n");
}
